// The networks and ports that are wanted, and the rules between them: in a network, MACs, addresses
// and pods are each one port's, and there is one uplink and one host port; on an uplink, a VLAN id
// is one network's. Whether the device can be opened is for the data plane to say.
#pragma once

#include <absl/status/status.h>

#include <map>
#include <string>

#include "control/network_spec.h"
#include "dataplane/port_spec.h"

namespace sluice::control {

class PortTable {
 public:
  PortTable();

  // Errors, all "port NAME: ...": InvalidArgument (dataplane::Validate, an address listed twice, no
  // such network, a mirror of a mirror), ResourceExhausted (mirrors), AlreadyExists naming the port
  // in the way (name, MAC, address, pod, uplink or host port of that network).
  absl::Status Add(const dataplane::PortSpec& spec);
  // Errors: NotFound "port NAME: does not exist"; FailedPrecondition naming the network whose
  // uplink it is.
  absl::Status Remove(const std::string& name);

  // Adds a network; `default`, which is always there, is replaced. Errors, all "network NAME: ...":
  // those of Validate, AlreadyExists (name, name in policies, VLAN id, uplink), InvalidArgument (no
  // such uplink).
  absl::Status AddNetwork(const NetworkSpec& spec);
  // Errors: NotFound; FailedPrecondition ("default", or naming a port that is on it).
  absl::Status RemoveNetwork(const std::string& name);

  // The port that carries `network` to other nodes; null: none does. The network must exist.
  const dataplane::PortSpec* UplinkOf(const std::string& network) const;

  const std::map<std::string, dataplane::PortSpec>& specs() const { return specs_; }
  const std::map<std::string, NetworkSpec>& networks() const { return networks_; }

  bool operator==(const PortTable&) const = default;

 private:
  absl::Status CheckMirror(const dataplane::PortSpec& spec) const;
  absl::Status CheckUplink(const NetworkSpec& spec) const;

  std::map<std::string, dataplane::PortSpec> specs_;  // by name
  std::map<std::string, NetworkSpec> networks_;       // by name
};

}  // namespace sluice::control
