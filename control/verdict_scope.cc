#include "control/verdict_scope.h"

#include <map>
#include <tuple>

#include "acl/selector.h"

namespace sluice::control {
namespace {

using acl::Endpoint;
using acl::NetworkPolicy;
using acl::PolicyInput;

ObjectName NameOf(const Endpoint& endpoint) { return {endpoint.namespace_name, endpoint.name}; }
ObjectName NameOf(const NetworkPolicy& policy) { return {policy.namespace_name, policy.name}; }
ObjectName NameOf(const acl::MultiNetworkPolicy& multi) { return NameOf(multi.policy); }
ObjectKey NameOf(const acl::ClusterPolicy& policy) { return ObjectKey::Of(policy); }
std::string NameOf(const acl::Namespace& object) { return object.name; }
std::string NameOf(const acl::Node& object) { return object.name; }

const NetworkPolicy& Selects(const NetworkPolicy& policy) { return policy; }
const NetworkPolicy& Selects(const acl::MultiNetworkPolicy& multi) { return multi.policy; }
const acl::ClusterPolicy& Selects(const acl::ClusterPolicy& policy) { return policy; }

// Labels by namespace, its own name among them.
std::map<std::string, acl::Labels> NamespaceLabels(const PolicyInput& input) {
  std::map<std::string, acl::Labels> labels;
  for (const acl::Namespace& ns : input.namespaces) labels[ns.name] = ns.labels;
  for (const Endpoint& endpoint : input.endpoints) labels[endpoint.namespace_name];
  for (auto& [name, of] : labels) of["kubernetes.io/metadata.name"] = name;
  return labels;
}

// Calls `visit(before, now)` for each object that came (before is null), went (now is null) or
// changed.
template <typename T, typename Visit>
void ForEachDifference(const std::vector<T>& before, const std::vector<T>& now, Visit visit) {
  using Name = decltype(NameOf(std::declval<const T&>()));
  std::map<Name, const T*> gone;
  for (const T& object : before) gone.emplace(NameOf(object), &object);
  for (const T& object : now) {
    auto it = gone.find(NameOf(object));
    if (it == gone.end()) {
      visit(static_cast<const T*>(nullptr), &object);
      continue;
    }
    if (*it->second != object) visit(it->second, &object);
    gone.erase(it);
  }
  for (const auto& [name, object] : gone) visit(object, static_cast<const T*>(nullptr));
}

// Another pod, or the same one with other addresses: whoever has an address now is new to it.
bool IsNewOwner(const Endpoint* before, const Endpoint* now) {
  return before == nullptr || now == nullptr || before->uid != now->uid ||
         before->addresses != now->addresses || before->host_network != now->host_network;
}

class Comparison {
 public:
  Comparison(const PolicyBuild& before, const PolicyBuild& now)
      : before_(before), now_(now), same_rules_(before.in_force.rules == now.in_force.rules) {}

  VerdictScope Run() {
    if (before_.input->cluster_cidrs != now_.input->cluster_cidrs) {
      scope_.everything = true;
      return std::move(scope_);
    }
    ComparePolicies(before_.input->policies, now_.input->policies);
    ComparePolicies(before_.input->multi_policies, now_.input->multi_policies);
    ComparePolicies(before_.input->cluster_policies, now_.input->cluster_policies);
    ForEachDifference(before_.input->endpoints, now_.input->endpoints,
                      [this](const Endpoint* before, const Endpoint* now) {
                        AddEndpoint(before, IsNewOwner(before, now));
                        AddEndpoint(now, IsNewOwner(before, now));
                      });
    AddNamespaces();
    AddNodes();
    return std::move(scope_);
  }

  VerdictScope RunOn(std::span<const EndpointChange> changes) {
    for (const EndpointChange& change : changes) {
      const Endpoint* before = change.before ? &change.before->endpoint : nullptr;
      const Endpoint* now = change.now ? &change.now->endpoint : nullptr;
      AddEndpoint(before, IsNewOwner(before, now));
      AddEndpoint(now, IsNewOwner(before, now));
    }
    return std::move(scope_);
  }

 private:
  template <typename Policy>
  void ComparePolicies(const std::vector<Policy>& before, const std::vector<Policy>& now) {
    ForEachDifference(before, now, [this](const Policy* old, const Policy* current) {
      if (old != nullptr) AddSelected(Selects(*old), *before_.input);
      if (current != nullptr) AddSelected(Selects(*current), *now_.input);
    });
  }

  // The local pods of `input` that `policy` selects.
  void AddSelected(const NetworkPolicy& policy, const PolicyInput& input) {
    acl::LabelIndex index;
    const acl::EncodedSelector selector = index.Add(acl::Normalize(policy.pod_selector));
    for (const Endpoint& endpoint : input.endpoints) {
      if (endpoint.namespace_name != policy.namespace_name) continue;
      const ObjectName name = NameOf(endpoint);
      if (!IsLocal(name)) continue;
      if (acl::Matches(selector, index.Encode(endpoint.labels))) scope_.subjects.insert(name);
    }
  }

  void AddSelected(const acl::ClusterPolicy& policy, const PolicyInput& input) {
    acl::LabelIndex index;
    const acl::EncodedSelector namespaces = index.Add(acl::Normalize(policy.subject.namespaces));
    const acl::EncodedSelector pods = index.Add(acl::Normalize(policy.subject.pods));
    const auto labels = NamespaceLabels(input);
    for (const Endpoint& endpoint : input.endpoints) {
      const ObjectName name = NameOf(endpoint);
      if (!IsLocal(name)) continue;
      if (acl::Matches(namespaces, index.Encode(labels.at(endpoint.namespace_name))) &&
          acl::Matches(pods, index.Encode(endpoint.labels))) {
        scope_.subjects.insert(name);
      }
    }
  }

  // A node is a peer only, by its addresses.
  void AddNodes() {
    const auto add = [this](const acl::Node* node) {
      if (node == nullptr) return;
      for (const acl::IpAddress& address : node->addresses) {
        if (AddressDiffers(address)) scope_.addresses.insert(address);
      }
    };
    ForEachDifference(before_.input->nodes, now_.input->nodes,
                      [&](const acl::Node* before, const acl::Node* now) {
                        add(before);
                        add(now);
                      });
  }

  void AddNamespaces() {
    std::set<std::string> changed;
    ForEachDifference(before_.input->namespaces, now_.input->namespaces,
                      [&](const acl::Namespace* before, const acl::Namespace* now) {
                        changed.insert(before != nullptr ? before->name : now->name);
                      });
    if (changed.empty()) return;
    for (const Endpoint& endpoint : now_.input->endpoints) {
      if (changed.contains(endpoint.namespace_name)) AddEndpoint(&endpoint, false);
    }
  }

  bool IsLocal(const ObjectName& name) const {
    const auto local = [&](const PolicyBuild& build) {
      const acl::Member* member = build.population.Find(name);
      return member != nullptr && member->owner == acl::Owner::kLocal;
    };
    return local(before_) || local(now_);
  }

  void AddEndpoint(const Endpoint* endpoint, bool new_owner) {
    if (endpoint == nullptr) return;
    const ObjectName name = NameOf(*endpoint);
    if (IsLocal(name) && SubjectDiffers(name)) scope_.subjects.insert(name);
    for (const acl::IpAddress& address : endpoint->addresses) {
      if (new_owner) scope_.new_owners.insert(address);
      if (new_owner || AddressDiffers(address)) scope_.addresses.insert(address);
    }
  }

  bool SubjectDiffers(const ObjectName& name) const {
    if (!same_rules_) return true;
    const acl::Member* before = before_.population.Find(name);
    const acl::Member* now = now_.population.Find(name);
    return before == nullptr || now == nullptr || before->subject != now->subject;
  }

  bool AddressDiffers(const acl::IpAddress& address) const {
    return !same_rules_ || before_.addresses->Lookup(address) != now_.addresses->Lookup(address);
  }

  const PolicyBuild& before_;
  const PolicyBuild& now_;
  const bool same_rules_;  // then equal class numbers mean equal verdicts
  VerdictScope scope_;
};

}  // namespace

VerdictScope CompareBuilds(const PolicyBuild* before, const PolicyBuild& now) {
  if (before == nullptr) return {.everything = true};
  return Comparison(*before, now).Run();
}

VerdictScope CompareEndpoints(const PolicyBuild& before, const PolicyBuild& now,
                              std::span<const EndpointChange> changes) {
  return Comparison(before, now).RunOn(changes);
}

}  // namespace sluice::control
