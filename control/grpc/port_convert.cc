#include "control/grpc/port_convert.h"

#include <fmt/core.h>

#include <string>

#include "control/port_table.h"

namespace sluice::control {
namespace {

using dataplane::PortSpec;

absl::Status FieldError(const v1::PortSpec& proto, const char* field, const std::string& reason) {
  return absl::InvalidArgumentError(fmt::format("port {}: {}: {}", proto.name(), field, reason));
}

absl::Status ReadRole(const v1::PortSpec& proto, PortSpec* spec) {
  if (proto.role().empty()) return absl::OkStatus();
  auto role = dataplane::ParsePortRole(proto.role());
  if (!role.ok()) return FieldError(proto, "role", std::string(role.status().message()));
  spec->role = *role;
  return absl::OkStatus();
}

absl::Status ReadAddresses(const v1::PortSpec& proto, PortSpec* spec) {
  if (!proto.mac().empty()) {
    auto mac = dataplane::MacAddress::Parse(proto.mac());
    if (!mac.ok()) return FieldError(proto, "mac", std::string(mac.status().message()));
    spec->mac = *mac;
  }
  for (const std::string& text : proto.addresses()) {
    auto address = acl::IpAddress::Parse(text);
    if (!address.ok()) {
      return FieldError(proto, "addresses", std::string(address.status().message()));
    }
    spec->addresses.push_back(*address);
  }
  for (const std::string& text : proto.allowed()) {
    auto allowed = dataplane::AllowedAddress::Parse(text);
    if (!allowed.ok()) return FieldError(proto, "allowed", std::string(allowed.status().message()));
    spec->allowed.push_back(*allowed);
  }
  return absl::OkStatus();
}

absl::Status ReadMirror(const v1::PortSpec& proto, PortSpec* spec) {
  spec->mirrors = {proto.mirrors().begin(), proto.mirrors().end()};
  spec->mirrors_dropped = proto.mirror_dropped();
  const std::string& direction = proto.mirror_direction();
  spec->mirrors_in = direction != "out";
  spec->mirrors_out = direction != "in";
  if (direction.empty() || direction == "in" || direction == "out") return absl::OkStatus();
  return FieldError(proto, "mirror_direction",
                    fmt::format("\"{}\" is neither in nor out", direction));
}

// Values that PortSpec cannot hold; the others are Validate's.
absl::Status ReadNumbers(const v1::PortSpec& proto, PortSpec* spec) {
  if (proto.mtu() > dataplane::kMaxMtu) {
    return FieldError(
        proto, "mtu",
        fmt::format("{} is not {} to {}", proto.mtu(), dataplane::kMinMtu, dataplane::kMaxMtu));
  }
  if (proto.queues() > dataplane::kMaxQueues) {
    return FieldError(proto, "queues",
                      fmt::format("{} is not 1 to {}", proto.queues(), dataplane::kMaxQueues));
  }
  if (proto.mtu() != 0) spec->mtu = static_cast<uint16_t>(proto.mtu());
  if (proto.queues() != 0) spec->queues = static_cast<uint8_t>(proto.queues());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PortSpec> PortFromProto(const v1::PortSpec& proto) {
  PortSpec spec;
  spec.name = proto.name();
  spec.path = proto.path();
  spec.pcap_out = proto.pcap_out();
  spec.network = proto.network().empty() ? kDefaultNetwork : proto.network();
  spec.pod_namespace = proto.pod_namespace();
  spec.pod_name = proto.pod_name();
  spec.pod_uid = proto.pod_uid();
  spec.attachment = proto.attachment();
  spec.guard = !proto.unguarded();
  spec.netns = proto.netns();
  auto kind = dataplane::ParsePortKind(proto.kind());
  if (!kind.ok()) return FieldError(proto, "kind", std::string(kind.status().message()));
  spec.kind = *kind;
  absl::Status status = ReadRole(proto, &spec);
  if (status.ok()) status = ReadAddresses(proto, &spec);
  if (status.ok()) status = ReadNumbers(proto, &spec);
  if (status.ok()) status = ReadMirror(proto, &spec);
  if (!status.ok()) return status;
  return spec;
}

void PortToProto(const PortSpec& spec, v1::PortSpec* out) {
  out->set_name(spec.name);
  out->set_kind(dataplane::PortKindName(spec.kind));
  out->set_role(dataplane::PortRoleName(spec.role));
  out->set_path(spec.path);
  out->set_pcap_out(spec.pcap_out);
  out->set_network(spec.network);
  out->set_pod_namespace(spec.pod_namespace);
  out->set_pod_name(spec.pod_name);
  out->set_pod_uid(spec.pod_uid);
  out->set_attachment(spec.attachment);
  if (!spec.mac.IsZero()) out->set_mac(spec.mac.ToString());
  for (const acl::IpAddress& address : spec.addresses) out->add_addresses(address.ToString());
  for (const dataplane::AllowedAddress& allowed : spec.allowed) {
    out->add_allowed(allowed.ToString());
  }
  out->set_unguarded(!spec.guard);
  out->set_netns(spec.netns);
  out->mutable_mirrors()->Assign(spec.mirrors.begin(), spec.mirrors.end());
  if (spec.mirrors_in != spec.mirrors_out)
    out->set_mirror_direction(spec.mirrors_in ? "in" : "out");
  out->set_mirror_dropped(spec.mirrors_dropped);
  out->set_mtu(spec.mtu);
  out->set_queues(spec.queues);
}

absl::StatusOr<NetworkSpec> NetworkFromProto(const v1::NetworkSpec& proto) {
  NetworkSpec spec;
  spec.name = proto.name();
  spec.uplink = proto.uplink();
  if (proto.vlan() > kMaxVlan) {
    return absl::InvalidArgumentError(fmt::format("network {}: vlan: {} is not between 0 and {}",
                                                  proto.name(), proto.vlan(), kMaxVlan));
  }
  spec.vlan = static_cast<uint16_t>(proto.vlan());
  spec.mtu = proto.mtu();
  spec.allow_dhcp = proto.allow_dhcp();
  for (const std::string& text : proto.routers()) {
    auto mac = dataplane::MacAddress::Parse(text);
    if (!mac.ok()) {
      return absl::InvalidArgumentError(fmt::format("network {}: routers: {}", proto.name(),
                                                    std::string(mac.status().message())));
    }
    spec.routers.push_back(*mac);
  }
  spec.policies = {proto.policies().begin(), proto.policies().end()};
  return spec;
}

void NetworkToProto(const NetworkSpec& spec, v1::NetworkSpec* out) {
  out->set_name(spec.name);
  out->set_uplink(spec.uplink);
  out->set_vlan(spec.vlan);
  out->set_mtu(spec.mtu);
  out->set_allow_dhcp(spec.allow_dhcp);
  for (const dataplane::MacAddress& mac : spec.routers) out->add_routers(mac.ToString());
  out->mutable_policies()->Assign(spec.policies.begin(), spec.policies.end());
}

}  // namespace sluice::control
