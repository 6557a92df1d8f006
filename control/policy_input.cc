#include "control/policy_input.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <map>
#include <optional>

#include "control/stand_in.h"

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

// What the API says of `endpoint`'s addresses on `network`; nothing if it is not there.
std::optional<std::vector<acl::IpAddress>> ApiAddresses(const acl::Endpoint& endpoint,
                                                        const std::string& network) {
  if (network == kDefaultNetwork) return endpoint.addresses;
  const std::string name = AttachmentName(network);
  const auto found = std::ranges::find(endpoint.attachments, name, &acl::Attachment::network);
  if (found == endpoint.attachments.end()) return std::nullopt;
  return found->addresses;
}

void AddEndpoints(const DesiredState& state, const LocalPorts& ports, const std::string& network,
                  acl::PolicyInput& input) {
  for (const auto& [name, owned] : state.endpoints()) {
    const PortSpec* port = ports.Of(owned.object);
    auto remote = ApiAddresses(owned.object, network);
    if (port == nullptr && !remote) continue;
    acl::Endpoint endpoint = owned.object;
    endpoint.attachments.clear();
    if (port != nullptr) {
      endpoint.addresses = KnownAddresses(*port);
      input.local.insert(name);
    } else {
      endpoint.addresses = *std::move(remote);
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

void AddMultiPolicies(const DesiredState& state, const std::string& network,
                      acl::PolicyInput& input) {
  const std::string name = AttachmentName(network);
  for (const auto& [key, owned] : state.multi_policies()) {
    const std::vector<std::string>& networks = owned.object.networks;
    const bool everywhere = owned.stand_in && std::ranges::count(networks, kEveryNetwork) > 0;
    if (!everywhere && std::ranges::count(networks, name) == 0) continue;
    // The same on every network that it names: what it names beside this one is no matter here.
    input.multi_policies.push_back({owned.object.policy, {name}});
  }
}

void AddPolicies(const DesiredState& state, const NetworkSpec& spec, acl::PolicyInput& input) {
  if (Takes(spec, PolicyFamily::kNetwork)) {
    for (const auto& [name, owned] : state.policies()) input.policies.push_back(owned.object);
  } else {
    // The annotation is NetworkPolicy's, as the objects are.
    for (acl::Namespace& ns : input.namespaces) ns.ingress_default_deny = false;
  }
  if (Takes(spec, PolicyFamily::kCluster)) {
    for (const auto& [key, owned] : state.cluster_policies()) {
      input.cluster_policies.push_back(owned.object);
    }
  }
  if (Takes(spec, PolicyFamily::kMulti)) AddMultiPolicies(state, spec.name, input);
}

}  // namespace

acl::PolicyInput MakePolicyInput(const DesiredState& state, const PolicySettings& settings,
                                 const std::string& network) {
  acl::PolicyInput input;
  const LocalPorts ports(state.ports(), network);
  AddEndpoints(state, ports, network, input);
  if (settings.unlisted_pods == UnlistedPods::kDefaultClass) AddUnlisted(state, ports, input);
  for (const auto& [name, owned] : state.namespaces()) input.namespaces.push_back(owned.object);
  for (const auto& [name, owned] : state.nodes()) input.nodes.push_back(owned.object);
  AddPolicies(state, state.ports().networks().at(network), input);
  input.legacy_policy = settings.legacy_policy;
  if (network == kDefaultNetwork) input.cluster_cidrs = settings.cluster_cidrs;
  return input;
}

}  // namespace sluice::control
