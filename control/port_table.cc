#include "control/port_table.h"

#include <fmt/core.h>

#include <algorithm>

#include "acl/objects.h"
#include "acl/validate.h"
#include "dataplane/port_path.h"
#include "dataplane/snapshot.h"

namespace sluice::control {
namespace {

using dataplane::PortKind;
using dataplane::PortRole;
using dataplane::PortSpec;

std::string OwnerText(const PortSpec& spec) {
  if (spec.role != PortRole::kPod) {
    return fmt::format("port {} ({})", spec.name, dataplane::PortRoleName(spec.role));
  }
  return fmt::format("port {} ({}/{})", spec.name, spec.pod_namespace, spec.pod_name);
}

bool IsVhost(const PortSpec& spec) {
  return spec.kind == PortKind::kVhostServer || spec.kind == PortKind::kVhostClient;
}

bool IsMemif(const PortSpec& spec) {
  return spec.kind == PortKind::kMemifServer || spec.kind == PortKind::kMemifClient;
}

// One socket, one subject: behind a shared one there would be two. A memif server's peer has others
// behind its socket, each with a number.
bool ShareSocket(const PortSpec& spec, const PortSpec& other) {
  if (IsVhost(spec) && IsVhost(other)) return spec.path == other.path;
  if (!IsMemif(spec) || !IsMemif(other)) return false;
  const auto mine = dataplane::MemifPath::Parse(spec.path);
  const auto its = dataplane::MemifPath::Parse(other.path);
  const bool clients = spec.kind == PortKind::kMemifClient && other.kind == PortKind::kMemifClient;
  return mine && its && mine->socket == its->socket && (!clients || mine->id == its->id);
}

bool Lists(const PortSpec& spec, const acl::IpAddress& address) {
  return std::find(spec.addresses.begin(), spec.addresses.end(), address) != spec.addresses.end();
}

absl::Status CheckAlone(const PortSpec& spec) {
  absl::Status shape = dataplane::Validate(spec);
  if (!shape.ok()) return shape;
  if (spec.role == PortRole::kPod) {
    acl::Endpoint pod;
    pod.namespace_name = spec.pod_namespace;
    pod.name = spec.pod_name;
    const absl::Status valid = acl::Validate(pod);
    if (!valid.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("port {}: pod: {}", spec.name, std::string(valid.message())));
    }
  }
  for (const acl::IpAddress& address : spec.addresses) {
    if (std::count(spec.addresses.begin(), spec.addresses.end(), address) > 1) {
      return absl::InvalidArgumentError(
          fmt::format("port {}: addresses: {} is listed twice", spec.name, address.ToString()));
    }
  }
  return absl::OkStatus();
}

// What `holder` has for itself and `spec` is allowed: nothing may be both. Null: nothing is.
const acl::IpAddress* AllowedOf(const PortSpec& spec, const PortSpec& holder) {
  for (const dataplane::AllowedAddress& allowed : spec.allowed) {
    for (const acl::IpAddress& address : holder.addresses) {
      if (allowed.block.Contains(address)) return &address;
    }
  }
  return nullptr;
}

bool AllowsMac(const PortSpec& spec, const dataplane::MacAddress& mac) {
  return std::ranges::any_of(spec.allowed, [&](const auto& allowed) { return allowed.mac == mac; });
}

absl::Status CheckAllowed(const PortSpec& spec, const PortSpec& other) {
  auto taken = [&](const std::string& what) {
    return absl::AlreadyExistsError(fmt::format("port {}: {}", spec.name, what));
  };
  if (const acl::IpAddress* address = AllowedOf(spec, other)) {
    return taken(
        fmt::format("allowed: address {} belongs to {}", address->ToString(), OwnerText(other)));
  }
  if (const acl::IpAddress* address = AllowedOf(other, spec)) {
    return taken(fmt::format("address {} is allowed to {}", address->ToString(), OwnerText(other)));
  }
  if (AllowsMac(spec, other.mac)) {
    return taken(
        fmt::format("allowed: MAC {} belongs to {}", other.mac.ToString(), OwnerText(other)));
  }
  if (AllowsMac(other, spec.mac)) {
    return taken(fmt::format("MAC {} is allowed to {}", spec.mac.ToString(), OwnerText(other)));
  }
  return absl::OkStatus();
}

absl::Status CheckConflict(const PortSpec& spec, const PortSpec& other) {
  auto taken = [&](const std::string& what) {
    return absl::AlreadyExistsError(fmt::format("port {}: {}", spec.name, what));
  };
  if (ShareSocket(spec, other)) {
    return taken(fmt::format("socket path {} belongs to {}", spec.path, OwnerText(other)));
  }
  const bool taps = spec.kind == PortKind::kTap && other.kind == PortKind::kTap;
  if (taps && spec.netns == other.netns && spec.path == other.path) {
    return taken(fmt::format("interface {} belongs to {}", spec.path, OwnerText(other)));
  }
  const bool representors =
      spec.kind == PortKind::kRepresentor && other.kind == PortKind::kRepresentor;
  if (representors && spec.path == other.path) {
    return taken(fmt::format("virtual function {} belongs to {}", spec.path, OwnerText(other)));
  }
  if (spec.kind == PortKind::kPci && other.kind == spec.kind && spec.path == other.path) {
    return taken(fmt::format("device {} belongs to {}", spec.path, OwnerText(other)));
  }
  const bool mirrors = spec.role == PortRole::kMirror || other.role == PortRole::kMirror;
  if (mirrors || other.network != spec.network) return absl::OkStatus();
  const bool unique = spec.role != PortRole::kPod;  // in its network
  if (unique && other.role == spec.role) {
    return taken(fmt::format("network {} has {} {} already", spec.network,
                             spec.role == PortRole::kHost ? "host port" : "uplink", other.name));
  }
  if (spec.role == PortRole::kUplink || other.role == PortRole::kUplink) return absl::OkStatus();
  if (spec.role == other.role && spec.pod_namespace == other.pod_namespace &&
      spec.pod_name == other.pod_name) {
    return taken(fmt::format("pod {}/{} has port {} on network {} already", spec.pod_namespace,
                             spec.pod_name, other.name, spec.network));
  }
  if (spec.mac == other.mac) {
    return taken(fmt::format("MAC {} belongs to {}", spec.mac.ToString(), OwnerText(other)));
  }
  for (const acl::IpAddress& address : spec.addresses) {
    if (Lists(other, address)) {
      return taken(fmt::format("address {} belongs to {}", address.ToString(), OwnerText(other)));
    }
  }
  return CheckAllowed(spec, other);
}

}  // namespace

PortTable::PortTable() { networks_[kDefaultNetwork].name = kDefaultNetwork; }

absl::Status PortTable::Add(const PortSpec& spec) {
  absl::Status status = CheckAlone(spec);
  if (!status.ok()) return status;
  if (specs_.contains(spec.name)) {
    return absl::AlreadyExistsError(fmt::format("port {}: exists already", spec.name));
  }
  auto network = networks_.find(spec.network);
  if (network == networks_.end()) {
    return absl::InvalidArgumentError(
        fmt::format("port {}: network: \"{}\" does not exist", spec.name, spec.network));
  }
  if (spec.role == PortRole::kUplink && !network->second.uplink.empty()) {
    return absl::AlreadyExistsError(fmt::format("port {}: network {} has uplink {} already",
                                                spec.name, spec.network, network->second.uplink));
  }
  status = CheckMirror(spec);
  if (!status.ok()) return status;
  for (const auto& [name, other] : specs_) {
    status = CheckConflict(spec, other);
    if (!status.ok()) return status;
  }
  specs_.emplace(spec.name, spec);
  return absl::OkStatus();
}

// There is room for it, and it mirrors no mirror.
absl::Status PortTable::CheckMirror(const PortSpec& spec) const {
  if (spec.role != PortRole::kMirror) return absl::OkStatus();
  size_t mirrors = 0;
  for (const auto& [name, other] : specs_) {
    if (other.role != PortRole::kMirror) continue;
    ++mirrors;
    const bool named = std::ranges::count(spec.mirrors, name) > 0 ||
                       std::ranges::count(other.mirrors, spec.name) > 0;
    if (!named) continue;
    return absl::InvalidArgumentError(fmt::format(
        "port {}: mirrors: port {} is a mirror, too, and no mirror is mirrored", spec.name, name));
  }
  if (mirrors < dataplane::kMaxMirrors) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("port {}: there are {} mirrors already", spec.name, mirrors));
}

absl::Status PortTable::Remove(const std::string& name) {
  for (const auto& [network, spec] : networks_) {
    if (spec.uplink != name) continue;
    return absl::FailedPreconditionError(
        fmt::format("port {}: is the uplink of network {}", name, network));
  }
  if (specs_.erase(name) == 0) {
    return absl::NotFoundError(fmt::format("port {}: does not exist", name));
  }
  return absl::OkStatus();
}

const PortSpec* PortTable::UplinkOf(const std::string& network) const {
  const NetworkSpec& spec = networks_.at(network);
  if (!spec.uplink.empty()) return &specs_.at(spec.uplink);
  for (const auto& [name, port] : specs_) {
    if (port.role == PortRole::kUplink && port.network == network) return &port;
  }
  return nullptr;
}

// Whether the uplink that `spec` names can carry it.
absl::Status PortTable::CheckUplink(const NetworkSpec& spec) const {
  if (spec.uplink.empty()) return absl::OkStatus();
  auto port = specs_.find(spec.uplink);
  if (port == specs_.end() || port->second.role != PortRole::kUplink) {
    return absl::InvalidArgumentError(
        fmt::format("network {}: uplink: there is no uplink port {}", spec.name, spec.uplink));
  }
  for (const auto& [name, other] : specs_) {
    if (other.role != PortRole::kUplink || other.network != spec.name) continue;
    return absl::AlreadyExistsError(
        fmt::format("network {}: uplink: port {} is its uplink already", spec.name, name));
  }
  return absl::OkStatus();
}

absl::Status PortTable::AddNetwork(const NetworkSpec& spec) {
  absl::Status status = Validate(spec);
  if (status.ok()) status = CheckUplink(spec);
  if (!status.ok()) return status;
  if (spec.name != kDefaultNetwork && networks_.contains(spec.name)) {
    return absl::AlreadyExistsError(fmt::format("network {}: exists already", spec.name));
  }
  for (const auto& [name, other] : networks_) {
    const bool attached = name != kDefaultNetwork && spec.name != kDefaultNetwork;
    if (!attached || AttachmentName(name) != AttachmentName(spec.name)) continue;
    return absl::AlreadyExistsError(
        fmt::format("network {}: is what policies call network {} already", spec.name, name));
  }
  PortTable next = *this;
  next.networks_[spec.name] = spec;
  const PortSpec* uplink = next.UplinkOf(spec.name);
  for (const auto& [name, other] : networks_) {
    if (uplink == nullptr || name == spec.name || other.vlan != spec.vlan) continue;
    if (next.UplinkOf(name) != uplink) continue;
    return absl::AlreadyExistsError(fmt::format("network {}: vlan: {} on uplink {} is network {}",
                                                spec.name, spec.vlan, uplink->name, name));
  }
  networks_[spec.name] = spec;
  return absl::OkStatus();
}

absl::Status PortTable::RemoveNetwork(const std::string& name) {
  if (name == kDefaultNetwork) {
    return absl::FailedPreconditionError(fmt::format("network {}: always exists", name));
  }
  if (!networks_.contains(name)) {
    return absl::NotFoundError(fmt::format("network {}: does not exist", name));
  }
  for (const auto& [port, spec] : specs_) {
    if (spec.network != name) continue;
    return absl::FailedPreconditionError(fmt::format("network {}: port {} is on it", name, port));
  }
  networks_.erase(name);
  return absl::OkStatus();
}

}  // namespace sluice::control
