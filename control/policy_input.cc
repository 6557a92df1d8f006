#include "control/policy_input.h"

#include <algorithm>

#include "control/stand_in.h"

namespace sluice::control {
namespace {

using dataplane::PortRole;
using dataplane::PortSpec;

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

acl::Endpoint UnlistedPod(const ObjectName& pod, const PortSpec& port) {
  acl::Endpoint endpoint;
  endpoint.namespace_name = pod.first;
  endpoint.name = pod.second;
  endpoint.uid = port.pod_uid;
  endpoint.addresses = KnownAddresses(port);
  return endpoint;
}

void AddEndpoints(const DesiredState& state, const EndpointJoin& join, acl::PolicyInput& input) {
  const auto add = [&](const ObjectName& name) {
    std::optional<JoinedEndpoint> joined = join.Find(name);
    if (!joined) return;
    if (joined->local) input.local.insert(name);
    input.endpoints.push_back(std::move(joined->endpoint));
  };
  for (const auto& [name, owned] : state.endpoints()) add(name);
  for (const ObjectName& pod : join.PodsWithPorts()) {
    if (!state.endpoints().contains(pod)) add(pod);
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

EndpointJoin::EndpointJoin(const DesiredState& state, const PolicySettings& settings,
                           const std::string& network)
    : state_(state), unlisted_pods_(settings.unlisted_pods), network_(network) {
  for (const auto& [name, spec] : state.ports().specs()) {
    if (spec.role == PortRole::kUplink || spec.network != network) continue;
    if (spec.role == PortRole::kPod) by_pod_[{spec.pod_namespace, spec.pod_name}] = &spec;
    addresses_.insert(spec.addresses.begin(), spec.addresses.end());
  }
}

// The port of the very pod `endpoint` describes; null if it has none here.
const PortSpec* EndpointJoin::PortOf(const acl::Endpoint& endpoint) const {
  auto it = by_pod_.find({endpoint.namespace_name, endpoint.name});
  if (it == by_pod_.end() || endpoint.host_network) return nullptr;
  const std::string& uid = it->second->pod_uid;
  if (!uid.empty() && !endpoint.uid.empty() && uid != endpoint.uid) return nullptr;
  return it->second;
}

std::optional<JoinedEndpoint> EndpointJoin::Find(const ObjectName& name) const {
  const auto listed = state_.endpoints().find(name);
  if (listed == state_.endpoints().end()) {
    const auto port = by_pod_.find(name);
    const bool counts = unlisted_pods_ == UnlistedPods::kDefaultClass && port != by_pod_.end();
    if (!counts) return std::nullopt;
    return JoinedEndpoint{UnlistedPod(name, *port->second), true};
  }
  const acl::Endpoint& object = listed->second.object;
  const PortSpec* port = PortOf(object);
  auto remote = ApiAddresses(object, network_);
  if (port == nullptr && !remote) return std::nullopt;
  JoinedEndpoint joined{object, port != nullptr};
  joined.endpoint.attachments.clear();
  if (port != nullptr) {
    joined.endpoint.addresses = KnownAddresses(*port);
    return joined;
  }
  joined.endpoint.addresses = *std::move(remote);
  std::erase_if(joined.endpoint.addresses,
                [&](const acl::IpAddress& a) { return addresses_.contains(a); });
  return joined;
}

std::vector<ObjectName> EndpointJoin::PodsWithPorts() const {
  std::vector<ObjectName> pods;
  for (const auto& [pod, port] : by_pod_) pods.push_back(pod);
  return pods;
}

acl::PolicyInput MakePolicyInput(const DesiredState& state, const PolicySettings& settings,
                                 const std::string& network) {
  acl::PolicyInput input;
  AddEndpoints(state, EndpointJoin(state, settings, network), input);
  for (const auto& [name, owned] : state.namespaces()) input.namespaces.push_back(owned.object);
  for (const auto& [name, owned] : state.nodes()) input.nodes.push_back(owned.object);
  AddPolicies(state, state.ports().networks().at(network), input);
  input.legacy_policy = settings.legacy_policy;
  if (network == kDefaultNetwork) input.cluster_cidrs = settings.cluster_cidrs;
  return input;
}

}  // namespace sluice::control
