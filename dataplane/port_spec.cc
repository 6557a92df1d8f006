#include "dataplane/port_spec.h"

#include <fmt/core.h>

#include <algorithm>

#include "dataplane/port_path.h"

namespace sluice::dataplane {
namespace {

struct KindName {
  PortKind kind;
  const char* name;
};
constexpr KindName kKindNames[] = {
    {PortKind::kVhostServer, "vhost-server"},
    {PortKind::kVhostClient, "vhost-client"},
    {PortKind::kMemifServer, "memif-server"},
    {PortKind::kMemifClient, "memif-client"},
    {PortKind::kRing, "ring"},
    {PortKind::kPcap, "pcap"},
    {PortKind::kTap, "tap"},
    {PortKind::kAfPacket, "af-packet"},
    {PortKind::kAfXdp, "af-xdp"},
    {PortKind::kPci, "pci"},
    {PortKind::kRepresentor, "representor"},
};

struct RoleName {
  PortRole role;
  const char* name;
};
constexpr RoleName kRoleNames[] = {{PortRole::kPod, "pod"},
                                   {PortRole::kUplink, "uplink"},
                                   {PortRole::kHost, "host"},
                                   {PortRole::kMirror, "mirror"}};

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

// Longest ring name DPDK takes, without the "-rx" that we append.
constexpr size_t kMaxRingPortName = 22;

constexpr size_t kMaxAttachment = 512;

}  // namespace

absl::StatusOr<AllowedAddress> AllowedAddress::Parse(std::string_view text) {
  AllowedAddress allowed;
  const std::string_view block = text.substr(0, text.find('@'));
  if (block.find('/') == std::string_view::npos) {
    auto address = acl::IpAddress::Parse(block);
    if (!address.ok()) return address.status();
    allowed.block = acl::Cidr::Around(*address, static_cast<uint8_t>(address->bits()));
  } else {
    auto cidr = acl::Cidr::Parse(block);
    if (!cidr.ok()) return cidr.status();
    allowed.block = *cidr;
  }
  if (block.size() == text.size()) return allowed;
  auto mac = MacAddress::Parse(text.substr(block.size() + 1));
  if (!mac.ok()) return mac.status();
  allowed.mac = *mac;
  return allowed;
}

std::string AllowedAddress::ToString() const {
  std::string text = IsSingle() ? block.base.ToString() : block.ToString();
  if (!mac.IsZero()) text.append("@").append(mac.ToString());
  return text;
}

const char* PortRoleName(PortRole role) {
  for (const RoleName& row : kRoleNames) {
    if (row.role == role) return row.name;
  }
  return "?";
}

absl::StatusOr<PortRole> ParsePortRole(std::string_view text) {
  for (const RoleName& row : kRoleNames) {
    if (row.name == text) return row.role;
  }
  return absl::InvalidArgumentError(fmt::format("\"{}\" is not pod, uplink, host or mirror", text));
}

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
  std::string kinds;
  for (const KindName& row : kKindNames)
    kinds += fmt::format("{}{}", kinds.empty() ? "" : ", ", row.name);
  return absl::InvalidArgumentError(fmt::format("\"{}\" is not a port kind ({})", text, kinds));
}

// Of what is for mirrors, and what is not. Nothing is wrong: empty.
std::string MirrorFault(const PortSpec& spec) {
  const bool all_ways = spec.mirrors_in && spec.mirrors_out && !spec.mirrors_dropped;
  if (spec.role != PortRole::kMirror) {
    return spec.mirrors.empty() && all_ways ? "" : "are for mirrors only";
  }
  if (spec.mirrors.empty()) return "a mirror needs the names of ports, or *";
  if (!spec.mirrors_in && !spec.mirrors_out && !spec.mirrors_dropped) return "of no direction";
  if (std::ranges::count(spec.mirrors, spec.name) > 0) return "a mirror does not mirror itself";
  const bool all = std::ranges::count(spec.mirrors, "*") > 0;
  return all && spec.mirrors.size() > 1 ? "* is all ports: no other can be beside it" : "";
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
  if (spec.attachment.size() > kMaxAttachment) {
    return bad("attachment", fmt::format("has more than {} characters", kMaxAttachment));
  }
  if (const auto fault = PathFault(spec.kind, spec.path)) return bad("path", *fault);
  if (HasDevargsSeparator(spec.pcap_out)) {
    return bad("pcap_out", "has a character that devargs cannot carry");
  }
  if (spec.kind == PortKind::kPcap && spec.path.empty() && spec.pcap_out.empty()) {
    return bad("path", "a pcap port needs a file to read or one to write");
  }
  if (spec.kind == PortKind::kRing && spec.name.size() > kMaxRingPortName) {
    return bad("name", fmt::format("of a ring port may have {} characters", kMaxRingPortName));
  }
  if (spec.kind != PortKind::kPcap && !spec.pcap_out.empty()) {
    return bad("pcap_out", "is for pcap ports only");
  }
  if (!spec.netns.empty() && spec.kind != PortKind::kTap)
    return bad("netns", "is for tap ports only");
  if (!spec.netns.empty() && spec.netns[0] != '/') return bad("netns", "must be an absolute path");
  if (spec.mtu < kMinMtu || spec.mtu > kMaxMtu) {
    return bad("mtu", fmt::format("{} is not {} to {}", spec.mtu, kMinMtu, kMaxMtu));
  }
  // The kernel puts a frame into one buffer, behind headroom of its own.
  if (spec.kind == PortKind::kAfXdp && spec.mtu > kDefaultMtu) {
    return bad("mtu",
               fmt::format("{} is more than the {} of an af-xdp port", spec.mtu, kDefaultMtu));
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
  if (const std::string fault = MirrorFault(spec); !fault.empty()) return bad("mirrors", fault);
  if (spec.role == PortRole::kUplink || spec.role == PortRole::kMirror) {
    const bool named = !spec.pod_namespace.empty() || !spec.pod_name.empty();
    if (named || !spec.mac.IsZero() || !spec.addresses.empty()) {
      const char* who = spec.role == PortRole::kUplink ? "an uplink" : "a mirror";
      return bad("role", fmt::format("{} has no pod, MAC or addresses of its own", who));
    }
  }
  if (spec.role != PortRole::kPod && !spec.allowed.empty()) {
    return bad("allowed", "is for pods' ports");
  }
  for (const AllowedAddress& allowed : spec.allowed) {
    const bool is_address = !allowed.IsSingle() || !allowed.block.base.IsUnspecified();
    if (!is_address || allowed.block.base.IsMulticast() || allowed.mac.IsMulticast()) {
      return bad("allowed", fmt::format("{} is not what one pod may have", allowed.ToString()));
    }
  }
  const bool has_pod = !spec.pod_namespace.empty() || !spec.pod_name.empty();
  if (spec.role == PortRole::kHost && has_pod) return bad("role", "a host port has no pod");
  if (spec.role == PortRole::kPod && (spec.pod_namespace.empty() || spec.pod_name.empty())) {
    return bad("pod", "a pod port needs namespace/name");
  }
  if (spec.role == PortRole::kPod || spec.role == PortRole::kHost) {
    if (spec.mac.IsZero() || spec.mac.IsMulticast()) {
      return bad("mac", "must be a unicast address that is not zero");
    }
    for (const acl::IpAddress& address : spec.addresses) {
      if (address.IsUnspecified() || address.IsMulticast()) {
        return bad("addresses", fmt::format("{} is not the address of one {}", address.ToString(),
                                            spec.role == PortRole::kHost ? "node" : "pod"));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace sluice::dataplane
