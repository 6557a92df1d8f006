#include "control/policy_input.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <map>

namespace sluice::control {
namespace {

using dataplane::PortRole;
using dataplane::PortSpec;

// The ports of one network, by what they own: pods, and the node's own.
struct LocalPorts {
  LocalPorts(const PortTable& table, const std::string& network) {
    for (const auto& [name, spec] : table.specs()) {
      if (spec.role == PortRole::kUplink || spec.network != network) continue;
      if (spec.role == PortRole::kPod) by_pod[{spec.pod_namespace, spec.pod_name}] = &spec;
      addresses.insert(spec.addresses.begin(), spec.addresses.end());
    }
  }

  // The port of the very pod `endpoint` describes; null if it has none here.
  const PortSpec* Of(const acl::Endpoint& endpoint) const {
    auto it = by_pod.find({endpoint.namespace_name, endpoint.name});
    if (it == by_pod.end() || endpoint.host_network) return nullptr;
    const std::string& uid = it->second->pod_uid;
    if (!uid.empty() && !endpoint.uid.empty() && uid != endpoint.uid) return nullptr;
    return it->second;
  }

  std::map<ObjectName, const PortSpec*> by_pod;
  absl::flat_hash_set<acl::IpAddress> addresses;
};

// What policies know a local pod by: its own addresses first, then single addresses that it is
// allowed. A block that it is allowed is known by its CIDR only.
std::vector<acl::IpAddress> KnownAddresses(const PortSpec& port) {
  std::vector<acl::IpAddress> addresses = port.addresses;
  for (const dataplane::AllowedAddress& allowed : port.allowed) {
    const acl::IpAddress& address = allowed.block.base;
    const bool listed = std::ranges::find(addresses, address) != addresses.end();
    if (allowed.IsSingle() && !listed) addresses.push_back(address);
  }
  return addresses;
}

// `remote`: pods without a port here too.
void AddEndpoints(const DesiredState& state, const LocalPorts& ports, bool remote,
                  acl::PolicyInput& input) {
  for (const auto& [name, owned] : state.endpoints()) {
    const PortSpec* port = ports.Of(owned.object);
    if (port == nullptr && !remote) continue;
    acl::Endpoint endpoint = owned.object;
    if (port != nullptr) {
      endpoint.addresses = KnownAddresses(*port);
      input.local.insert(name);
    } else {
      std::erase_if(endpoint.addresses,
                    [&](const acl::IpAddress& a) { return ports.addresses.contains(a); });
    }
    input.endpoints.push_back(std::move(endpoint));
  }
}

void AddUnlisted(const DesiredState& state, const LocalPorts& ports, acl::PolicyInput& input) {
  for (const auto& [pod, port] : ports.by_pod) {
    if (state.endpoints().contains(pod)) continue;
    acl::Endpoint endpoint;
    endpoint.namespace_name = pod.first;
    endpoint.name = pod.second;
    endpoint.uid = port->pod_uid;
    endpoint.addresses = KnownAddresses(*port);
    input.endpoints.push_back(std::move(endpoint));
    input.local.insert(pod);
  }
}

}  // namespace

acl::PolicyInput MakePolicyInput(const DesiredState& state, const PolicySettings& settings,
                                 const std::string& network) {
  acl::PolicyInput input;
  const bool primary = network == kDefaultNetwork;
  const LocalPorts ports(state.ports(), network);
  AddEndpoints(state, ports, primary, input);
  if (settings.unlisted_pods == UnlistedPods::kDefaultClass) AddUnlisted(state, ports, input);
  if (!primary) return input;
  input.cluster_cidrs = settings.cluster_cidrs;
  for (const auto& [name, owned] : state.namespaces()) input.namespaces.push_back(owned.object);
  for (const auto& [name, owned] : state.policies()) input.policies.push_back(owned.object);
  return input;
}

}  // namespace sluice::control
