// The ports that are wanted, and the rules between them: names, MACs, addresses and pods are each
// one port's. Whether the device can be opened is for the data plane to say.
#pragma once

#include <absl/status/status.h>

#include <map>
#include <string>

#include "dataplane/port_spec.h"

namespace sluice::control {

// The network every NetworkPolicy acts on, and the only one there is yet.
inline constexpr char kDefaultNetwork[] = "default";

class PortTable {
 public:
  // Errors, all "port NAME: ...": InvalidArgument (dataplane::Validate, an address listed twice, a
  // network that no policy kind acts on), AlreadyExists naming the port in the way (name, MAC,
  // address, pod or uplink of that network).
  absl::Status Add(const dataplane::PortSpec& spec);
  // Errors: NotFound "port NAME: does not exist".
  absl::Status Remove(const std::string& name);

  const std::map<std::string, dataplane::PortSpec>& specs() const { return specs_; }

  bool operator==(const PortTable&) const = default;

 private:
  std::map<std::string, dataplane::PortSpec> specs_;  // by name
};

}  // namespace sluice::control
