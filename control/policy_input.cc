#include "control/policy_input.h"

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "control/stand_in.h"
#include "control/subject_selector.h"

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

// Those that are as listed are shared with a copy of the state, which costs little.
void AddEndpoints(const DesiredState& state, const EndpointJoin& join, acl::PolicyInput& input) {
  const auto add = [&](const ObjectName& name) {
    std::optional<JoinedEndpoint> joined = join.Find(name);
    if (!joined) return;
    if (joined->local) input.local.insert(name);
    input.endpoints.push_back(std::move(joined->endpoint));
  };
  const auto kept = std::make_shared<const ObjectTable<acl::Endpoint>>(state.endpoints());
  absl::flat_hash_set<const acl::Endpoint*> with_port;
  for (const ObjectName& pod : join.PodsWithPorts()) {
    const auto listed = kept->find(pod);
    if (listed != kept->end()) with_port.insert(&listed->second.object);
  }
  input.endpoints.reserve(kept->size());
  for (const auto& [name, owned] : *kept) {
    if (!with_port.contains(&owned.object) && join.IsAsListed(owned.object)) {
      input.endpoints.Share({kept, &owned.object});
    } else {
      add(name);
    }
  }
  for (const ObjectName& pod : join.PodsWithPorts()) {
    if (!state.endpoints().contains(pod)) add(pod);
  }
}

// `owned` as the network has it: the same on every network that it names, so what it names beside
// this one is no matter here. Absent: it does not act there.
std::optional<acl::MultiNetworkPolicy> OnNetwork(const Owned<acl::MultiNetworkPolicy>& owned,
                                                 const NetworkSpec& spec) {
  const std::string name = AttachmentName(spec.name);
  const std::vector<std::string>& networks = owned.object.networks;
  const bool everywhere = owned.stand_in && std::ranges::count(networks, kEveryNetwork) > 0;
  if (!Takes(spec, PolicyFamily::kMulti)) return std::nullopt;
  if (!everywhere && std::ranges::count(networks, name) == 0) return std::nullopt;
  return acl::MultiNetworkPolicy{owned.object.policy, {name}};
}

// One that stands in for a policy of whose networks nothing is known acts everywhere.
std::optional<acl::SluicePolicy> OnNetwork(const Owned<acl::SluicePolicy>& owned,
                                           const NetworkSpec& spec) {
  acl::SluicePolicy policy = owned.object;
  const bool everywhere = owned.stand_in && std::ranges::count(policy.networks, kEveryNetwork) > 0;
  const bool like_network = policy.networks.empty() || everywhere;
  if (like_network && Takes(spec, PolicyFamily::kNetwork)) {
    policy.networks.clear();
    return policy;
  }
  const std::string name = AttachmentName(spec.name);
  if (!Takes(spec, PolicyFamily::kMulti)) return std::nullopt;
  if (!everywhere && std::ranges::count(policy.networks, name) == 0) return std::nullopt;
  policy.networks = {name};
  return policy;
}

// Calls `visit` with every policy that acts on the network.
template <typename Visit>
void ForEachPolicy(const DesiredState& state, const NetworkSpec& spec, Visit visit) {
  if (Takes(spec, PolicyFamily::kNetwork)) {
    for (const auto& [name, owned] : state.policies()) visit(owned.object);
  }
  if (Takes(spec, PolicyFamily::kCluster)) {
    for (const auto& [key, owned] : state.cluster_policies()) visit(owned.object);
  }
  for (const auto& [key, owned] : state.sluice_policies()) {
    if (!owned.object.networks.empty()) {
      if (const auto sluice = OnNetwork(owned, spec)) visit(*sluice);
    } else if (Takes(spec, PolicyFamily::kNetwork)) {
      visit(owned.object);  // no copy: it may have 10,000 names
    }
  }
  if (!Takes(spec, PolicyFamily::kMulti)) return;
  for (const auto& [key, owned] : state.multi_policies()) {
    if (const auto multi = OnNetwork(owned, spec)) visit(*multi);
  }
}

void Add(const acl::NetworkPolicy& policy, acl::PolicyInput& input) {
  input.policies.push_back(policy);
}
void Add(const acl::MultiNetworkPolicy& policy, acl::PolicyInput& input) {
  input.multi_policies.push_back(policy);
}
void Add(const acl::SluicePolicy& policy, acl::PolicyInput& input) {
  input.sluice_policies.push_back(policy);
}
void Add(const acl::ClusterPolicy& policy, acl::PolicyInput& input) {
  input.cluster_policies.push_back(policy);
}

// What policies are read beside.
acl::PolicyInput NamespacesOn(const DesiredState& state, const PolicySettings& settings,
                              const NetworkSpec& spec) {
  acl::PolicyInput input;
  for (const auto& [name, owned] : state.namespaces()) input.namespaces.push_back(owned.object);
  if (!Takes(spec, PolicyFamily::kNetwork)) {
    // The annotation is NetworkPolicy's, as the objects are.
    for (acl::Namespace& ns : input.namespaces) ns.ingress_default_deny = false;
  }
  input.legacy_policy = settings.legacy_policy;
  if (spec.name == kDefaultNetwork) input.cluster_cidrs = settings.cluster_cidrs;
  return input;
}

// All but policies.
acl::PolicyInput WithoutPolicies(const DesiredState& state, const PolicySettings& settings,
                                 const NetworkSpec& spec) {
  acl::PolicyInput input = NamespacesOn(state, settings, spec);
  AddEndpoints(state, EndpointJoin(state, settings, spec.name), input);
  for (const auto& [name, owned] : state.nodes()) input.nodes.push_back(owned.object);
  return input;
}

// Pods with a port on the network, with what selectors see of them.
class LocalPods {
 public:
  LocalPods(const DesiredState& state, const PolicySettings& settings, const std::string& network) {
    const EndpointJoin join(state, settings, network);
    for (const ObjectName& name : join.PodsWithPorts()) {
      std::optional<JoinedEndpoint> pod = join.Find(name);
      if (!pod || !pod->local) continue;
      const auto known = state.namespaces().find({"", name.first});
      const acl::Namespace* ns =
          known == state.namespaces().end() ? nullptr : &known->second.object;
      pods_.emplace_back(std::move(pod->endpoint), LabelsOfNamespace(name.first, ns));
    }
  }

  void KeepOnly(const std::set<ObjectName>& names) {
    std::erase_if(pods_, [&](const auto& pod) {
      return !names.contains({pod.first.namespace_name, pod.first.name});
    });
  }

  template <typename Policy>
  bool AnySelectedBy(const Policy& policy) const {
    const std::string* where = NamespaceOf(policy);
    const bool absent = where != nullptr && std::ranges::none_of(pods_, [&](const auto& pod) {
                          return pod.first.namespace_name == *where;
                        });
    if (absent) return false;
    const SubjectSelector selector(policy);
    return std::ranges::any_of(
        pods_, [&](const auto& pod) { return selector.Selects(pod.first, pod.second); });
  }

  template <typename Policy>
  void AddSelectedBy(const Policy& policy, std::set<ObjectName>& names) const {
    const SubjectSelector selector(policy);
    for (const auto& [pod, labels] : pods_) {
      if (selector.Selects(pod, labels)) names.insert({pod.namespace_name, pod.name});
    }
  }

 private:
  // Null: of any.
  static const std::string* NamespaceOf(const acl::NetworkPolicy& policy) {
    return &policy.namespace_name;
  }
  static const std::string* NamespaceOf(const acl::MultiNetworkPolicy& multi) {
    return &multi.policy.namespace_name;
  }
  static const std::string* NamespaceOf(const acl::SluicePolicy& policy) {
    return &policy.namespace_name;
  }
  static const std::string* NamespaceOf(const acl::ClusterPolicy&) { return nullptr; }

  std::vector<std::pair<acl::Endpoint, acl::Labels>> pods_;
};

using AnyPolicy = std::variant<std::monostate, acl::NetworkPolicy, acl::MultiNetworkPolicy,
                               acl::SluicePolicy, acl::ClusterPolicy>;

// One of a table whose policies know their networks; nothing if it does not act there.
template <typename Table>
AnyPolicy FindOnNetwork(const Table& table, const ObjectName& name, const NetworkSpec& spec) {
  const auto found = table.find(name);
  if (found == table.end()) return {};
  auto policy = OnNetwork(found->second, spec);
  return policy ? AnyPolicy(*std::move(policy)) : AnyPolicy();
}

// The policy as the network has it; nothing if it does not act there.
AnyPolicy FindPolicy(const DesiredState& state, const NetworkSpec& spec, const ObjectKey& key) {
  if (ClusterPolicyKindOf(key.kind)) {
    const auto found = state.cluster_policies().find(key);
    if (found == state.cluster_policies().end() || !Takes(spec, PolicyFamily::kCluster)) return {};
    return found->second.object;
  }
  if (key.kind == "NetworkPolicy") {
    const auto found = state.policies().find(key.name);
    if (found == state.policies().end() || !Takes(spec, PolicyFamily::kNetwork)) return {};
    return found->second.object;
  }
  if (key.kind == "SluicePolicy") return FindOnNetwork(state.sluice_policies(), key.name, spec);
  return FindOnNetwork(state.multi_policies(), key.name, spec);
}

// Calls `visit` with the policy, if there is one.
template <typename Visitor>
void Visit(const AnyPolicy& policy, Visitor visit) {
  std::visit(
      [&]<typename Policy>(const Policy& some) {
        if constexpr (!std::is_same_v<Policy, std::monostate>) visit(some);
      },
      policy);
}

}  // namespace

EndpointJoin::EndpointJoin(const DesiredState& state, const PolicySettings& settings,
                           const std::string& network)
    : state_(state), unlisted_pods_(settings.unlisted_pods), network_(network) {
  for (const auto& [name, spec] : state.ports().specs()) {
    if (spec.role == PortRole::kUplink || spec.role == PortRole::kMirror) continue;
    if (spec.network != network) continue;
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

bool EndpointJoin::IsAsListed(const acl::Endpoint& listed) const {
  return network_ == kDefaultNetwork && listed.attachments.empty() &&
         std::ranges::none_of(listed.addresses,
                              [&](const acl::IpAddress& a) { return addresses_.contains(a); });
}

std::vector<ObjectName> EndpointJoin::PodsWithPorts() const {
  std::vector<ObjectName> pods;
  for (const auto& [pod, port] : by_pod_) pods.push_back(pod);
  return pods;
}

acl::PolicyInput MakePolicyInput(const DesiredState& state, const PolicySettings& settings,
                                 const std::string& network) {
  const NetworkSpec& spec = state.ports().networks().at(network);
  acl::PolicyInput input = WithoutPolicies(state, settings, spec);
  ForEachPolicy(state, spec, [&](const auto& policy) { Add(policy, input); });
  return input;
}

acl::PolicyInput PoliciesOn(const DesiredState& state, const PolicySettings& settings,
                            const std::string& network, const std::set<ObjectKey>* which) {
  const NetworkSpec& spec = state.ports().networks().at(network);
  acl::PolicyInput input = NamespacesOn(state, settings, spec);
  if (which == nullptr) {
    ForEachPolicy(state, spec, [&](const auto& policy) { Add(policy, input); });
    return input;
  }
  bool cluster_wide = false;
  for (const ObjectKey& key : *which) {
    if (ClusterPolicyKindOf(key.kind)) {
      cluster_wide = true;
    } else {
      Visit(FindPolicy(state, spec, key), [&](const auto& policy) { Add(policy, input); });
    }
  }
  if (!cluster_wide || !Takes(spec, PolicyFamily::kCluster)) return input;
  for (const auto& [key, owned] : state.cluster_policies()) Add(owned.object, input);
  return input;
}

acl::PolicyInput MakeOverlayInput(const DesiredState& state, const PolicySettings& settings,
                                  const std::string& network,
                                  const std::set<ObjectName>& subjects) {
  const NetworkSpec& spec = state.ports().networks().at(network);
  acl::PolicyInput input = WithoutPolicies(state, settings, spec);
  std::erase_if(input.local, [&](const ObjectName& name) { return !subjects.contains(name); });
  LocalPods pods(state, settings, network);
  pods.KeepOnly(subjects);
  ForEachPolicy(state, spec, [&](const auto& policy) {
    if (pods.AnySelectedBy(policy)) Add(policy, input);
  });
  return input;
}

PolicyEdits EditsOf(const DesiredState& before, const DesiredState& now,
                    const PolicySettings& settings, const std::string& network,
                    const std::set<ObjectKey>& touched) {
  PolicyEdits edits;
  if (touched.empty()) return edits;
  const LocalPods pods_before(before, settings, network), pods_now(now, settings, network);
  for (const ObjectKey& key : touched) {
    const AnyPolicy old = FindPolicy(before, before.ports().networks().at(network), key);
    const AnyPolicy current = FindPolicy(now, now.ports().networks().at(network), key);
    if (old == current) continue;
    edits.policies.insert(key.ToString());
    Visit(old, [&](const auto& policy) { pods_before.AddSelectedBy(policy, edits.subjects); });
    Visit(current, [&](const auto& policy) { pods_now.AddSelectedBy(policy, edits.subjects); });
  }
  return edits;
}

}  // namespace sluice::control
