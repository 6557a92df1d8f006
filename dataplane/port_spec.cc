#include "dataplane/port_spec.h"

#include <fmt/core.h>
#include <net/if.h>
#include <sys/un.h>

namespace sluice::dataplane {
namespace {

struct KindName {
  PortKind kind;
  const char* name;
};
constexpr KindName kKindNames[] = {
    {PortKind::kVhostServer, "vhost-server"},
    {PortKind::kVhostClient, "vhost-client"},
    {PortKind::kRing, "ring"},
    {PortKind::kPcap, "pcap"},
    {PortKind::kTap, "tap"},
    {PortKind::kAfPacket, "af-packet"},
};

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

// Longest ring name DPDK takes, without the "-rx" that we append.
constexpr size_t kMaxRingPortName = 22;

bool IsInterfaceName(std::string_view text) {
  return text != "." && text != ".." && text.find_first_of("/ \t\n") == std::string_view::npos;
}

// Paths end up in DPDK's comma-separated devargs.
bool HasDevargsSeparator(std::string_view text) {
  return text.find_first_of(",=[]\"' \n") != std::string_view::npos;
}

}  // namespace

const char* PortKindName(PortKind kind) {
  for (const KindName& row : kKindNames) {
    if (row.kind == kind) return row.name;
  }
  return "?";
}

absl::StatusOr<PortKind> ParsePortKind(std::string_view text) {
  for (const KindName& row : kKindNames) {
    if (row.name == text) return row.kind;
  }
  return absl::InvalidArgumentError(fmt::format(
      "\"{}\" is not a port kind (vhost-server, vhost-client, ring, pcap, tap, af-packet)", text));
}

absl::Status Validate(const PortSpec& spec) {
  auto bad = [&spec](std::string_view field, std::string_view reason) {
    return absl::InvalidArgumentError(fmt::format("port {}: {}: {}", spec.name, field, reason));
  };
  if (spec.name.empty() || spec.name.size() > 32)
    return bad("name", "must have 1 to 32 characters");
  for (char c : spec.name) {
    if (!IsNameChar(c)) return bad("name", "may hold only a-z, 0-9, '-' and '.'");
  }
  if (spec.network.empty()) return bad("network", "is empty");
  if (HasDevargsSeparator(spec.path))
    return bad("path", "has a character that devargs cannot carry");
  if (HasDevargsSeparator(spec.pcap_out)) {
    return bad("pcap_out", "has a character that devargs cannot carry");
  }
  switch (spec.kind) {
    case PortKind::kVhostServer:
    case PortKind::kVhostClient:
      if (spec.path.empty() || spec.path[0] != '/') return bad("path", "must be an absolute path");
      if (spec.path.size() >= sizeof(sockaddr_un::sun_path)) {
        return bad("path", fmt::format("has {} characters; a unix socket's path may have {}",
                                       spec.path.size(), sizeof(sockaddr_un::sun_path) - 1));
      }
      break;
    case PortKind::kTap:
    case PortKind::kAfPacket:
      if (spec.path.empty()) return bad("path", "must name a network interface");
      if (spec.path.size() >= IFNAMSIZ) {
        return bad("path", fmt::format("\"{}\" is too long for an interface name (at most {})",
                                       spec.path, IFNAMSIZ - 1));
      }
      if (!IsInterfaceName(spec.path)) {
        return bad("path", fmt::format("\"{}\" is not an interface name", spec.path));
      }
      break;
    case PortKind::kPcap:
      if (spec.path.empty() && spec.pcap_out.empty()) {
        return bad("path", "a pcap port needs a file to read or one to write");
      }
      break;
    case PortKind::kRing:
      if (!spec.path.empty()) return bad("path", "a ring port has none");
      if (spec.name.size() > kMaxRingPortName) {
        return bad("name", fmt::format("of a ring port may have {} characters", kMaxRingPortName));
      }
      break;
  }
  if (spec.kind != PortKind::kPcap && !spec.pcap_out.empty()) {
    return bad("pcap_out", "is for pcap ports only");
  }
  if (spec.mtu < kMinMtu || spec.mtu > kMaxMtu) {
    return bad("mtu", fmt::format("{} is not {} to {}", spec.mtu, kMinMtu, kMaxMtu));
  }
  for (const acl::IpAddress& address : spec.addresses) {
    if (address.family == acl::Family::kIpv6 && spec.mtu < kMinIpv6Mtu) {
      return bad("mtu", fmt::format("{} is below the {} that IPv6 needs", spec.mtu, kMinIpv6Mtu));
    }
  }
  if (spec.queues < 1 || spec.queues > kMaxQueues) {
    return bad("queues", fmt::format("{} is not 1 to {}", spec.queues, kMaxQueues));
  }
  const bool vhost = spec.kind == PortKind::kVhostServer || spec.kind == PortKind::kVhostClient;
  if (spec.queues > 1 && !vhost) return bad("queues", "are for vhost ports only");
  if (spec.role == PortRole::kUplink) {
    const bool named = !spec.pod_namespace.empty() || !spec.pod_name.empty();
    if (named || !spec.mac.IsZero() || !spec.addresses.empty()) {
      return bad("role", "an uplink has no pod, MAC or addresses of its own");
    }
  }
  if (spec.role == PortRole::kPod) {
    if (spec.pod_namespace.empty() || spec.pod_name.empty()) {
      return bad("pod", "a pod port needs namespace/name");
    }
    if (spec.mac.IsZero() || spec.mac.IsMulticast()) {
      return bad("mac", "must be a unicast address that is not zero");
    }
    for (const acl::IpAddress& address : spec.addresses) {
      if (address.IsUnspecified() || address.IsMulticast()) {
        return bad("addresses",
                   fmt::format("{} is not the address of one pod", address.ToString()));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace sluice::dataplane
