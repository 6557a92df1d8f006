#include "control/port_table.h"

#include <fmt/core.h>

#include <algorithm>

#include "acl/objects.h"
#include "acl/validate.h"

namespace sluice::control {
namespace {

using dataplane::PortRole;
using dataplane::PortSpec;

std::string OwnerText(const PortSpec& spec) {
  if (spec.role == PortRole::kUplink) return fmt::format("port {} (uplink)", spec.name);
  return fmt::format("port {} ({}/{})", spec.name, spec.pod_namespace, spec.pod_name);
}

bool IsVhost(const PortSpec& spec) {
  return spec.kind == dataplane::PortKind::kVhostServer ||
         spec.kind == dataplane::PortKind::kVhostClient;
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
  if (spec.network != kDefaultNetwork) {
    return absl::InvalidArgumentError(
        fmt::format("port {}: network: \"{}\" is not \"{}\", the only network that policies act on",
                    spec.name, spec.network, kDefaultNetwork));
  }
  for (const acl::IpAddress& address : spec.addresses) {
    if (std::count(spec.addresses.begin(), spec.addresses.end(), address) > 1) {
      return absl::InvalidArgumentError(
          fmt::format("port {}: addresses: {} is listed twice", spec.name, address.ToString()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckConflict(const PortSpec& spec, const PortSpec& other) {
  auto taken = [&](const std::string& what) {
    return absl::AlreadyExistsError(fmt::format("port {}: {}", spec.name, what));
  };
  // One socket, one subject: behind a shared one there would be two.
  if (IsVhost(spec) && IsVhost(other) && spec.path == other.path) {
    return taken(fmt::format("socket path {} belongs to {}", spec.path, OwnerText(other)));
  }
  if (other.network != spec.network) return absl::OkStatus();
  const bool uplink = spec.role == PortRole::kUplink;
  if (uplink && other.role == PortRole::kUplink) {
    return taken(fmt::format("network {} has uplink {} already", spec.network, other.name));
  }
  if (uplink || other.role == PortRole::kUplink) return absl::OkStatus();
  if (spec.pod_namespace == other.pod_namespace && spec.pod_name == other.pod_name) {
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
  return absl::OkStatus();
}

}  // namespace

absl::Status PortTable::Add(const PortSpec& spec) {
  absl::Status status = CheckAlone(spec);
  if (!status.ok()) return status;
  if (specs_.contains(spec.name)) {
    return absl::AlreadyExistsError(fmt::format("port {}: exists already", spec.name));
  }
  for (const auto& [name, other] : specs_) {
    status = CheckConflict(spec, other);
    if (!status.ok()) return status;
  }
  specs_.emplace(spec.name, spec);
  return absl::OkStatus();
}

absl::Status PortTable::Remove(const std::string& name) {
  if (specs_.erase(name) == 0) {
    return absl::NotFoundError(fmt::format("port {}: does not exist", name));
  }
  return absl::OkStatus();
}

}  // namespace sluice::control
