#include "control/grpc/port_convert.h"

#include <fmt/core.h>

#include <string>

#include "control/port_table.h"

namespace sluice::control {
namespace {

using dataplane::PortRole;
using dataplane::PortSpec;

absl::Status FieldError(const v1::PortSpec& proto, const char* field, const std::string& reason) {
  return absl::InvalidArgumentError(fmt::format("port {}: {}: {}", proto.name(), field, reason));
}

absl::Status ReadRole(const v1::PortSpec& proto, PortSpec* spec) {
  if (proto.role() == "uplink") {
    spec->role = PortRole::kUplink;
  } else if (!proto.role().empty() && proto.role() != "pod") {
    return FieldError(proto, "role", fmt::format("\"{}\" is not pod or uplink", proto.role()));
  }
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
  return absl::OkStatus();
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
  spec.guard = !proto.unguarded();
  auto kind = dataplane::ParsePortKind(proto.kind());
  if (!kind.ok()) return FieldError(proto, "kind", std::string(kind.status().message()));
  spec.kind = *kind;
  absl::Status status = ReadRole(proto, &spec);
  if (status.ok()) status = ReadAddresses(proto, &spec);
  if (status.ok()) status = ReadNumbers(proto, &spec);
  if (!status.ok()) return status;
  return spec;
}

void PortToProto(const PortSpec& spec, v1::PortSpec* out) {
  out->set_name(spec.name);
  out->set_kind(dataplane::PortKindName(spec.kind));
  out->set_role(spec.role == PortRole::kUplink ? "uplink" : "pod");
  out->set_path(spec.path);
  out->set_pcap_out(spec.pcap_out);
  out->set_network(spec.network);
  out->set_pod_namespace(spec.pod_namespace);
  out->set_pod_name(spec.pod_name);
  out->set_pod_uid(spec.pod_uid);
  if (!spec.mac.IsZero()) out->set_mac(spec.mac.ToString());
  for (const acl::IpAddress& address : spec.addresses) out->add_addresses(address.ToString());
  out->set_unguarded(!spec.guard);
  out->set_mtu(spec.mtu);
  out->set_queues(spec.queues);
}

}  // namespace sluice::control
