#include "control/verdict_scope.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "control/subject_selector.h"

namespace sluice::control {
namespace {

using acl::Endpoint;
using acl::NetworkPolicy;
using acl::PolicyInput;

ObjectName NameOf(const Endpoint& endpoint) { return {endpoint.namespace_name, endpoint.name}; }
ObjectName NameOf(const NetworkPolicy& policy) { return {policy.namespace_name, policy.name}; }
ObjectName NameOf(const acl::MultiNetworkPolicy& multi) { return NameOf(multi.policy); }
ObjectName NameOf(const acl::SluicePolicy& policy) { return {policy.namespace_name, policy.name}; }
ObjectKey NameOf(const acl::ClusterPolicy& policy) { return ObjectKey::Of(policy); }
std::string NameOf(const acl::Namespace& object) { return object.name; }
std::string NameOf(const acl::Node& object) { return object.name; }

// Calls `visit(before, now)` for each object that came (before is null), went (now is null) or
// changed.
template <typename List, typename Visit>
void ForEachDifference(const List& before, const List& now, Visit visit) {
  using T = typename List::value_type;
  using Name = decltype(NameOf(std::declval<const T&>()));
  std::map<Name, const T*> gone;
  for (const T& object : before) gone.emplace(NameOf(object), &object);
  for (const T& object : now) {
    auto it = gone.find(NameOf(object));
    if (it == gone.end()) {
      visit(static_cast<const T*>(nullptr), &object);
      continue;
    }
    const bool shared = it->second == &object;
    if (!shared && *it->second != object) visit(it->second, &object);
    gone.erase(it);
  }
  for (const auto& [name, object] : gone) visit(object, static_cast<const T*>(nullptr));
}

// Another pod, or the same one with other addresses: whoever has an address now is new to it.
bool IsNewOwner(const Endpoint* before, const Endpoint* now) {
  return before == nullptr || now == nullptr || before->uid != now->uid ||
         before->addresses != now->addresses || before->host_network != now->host_network;
}

bool HaveSameRules(const PolicyBuild& before, const PolicyBuild& now) {
  if (before.base.in_force.rules != now.base.in_force.rules) return false;
  return std::ranges::equal(
      before.overlays, now.overlays, [](const Overlay& old, const Overlay& current) {
        return old.pods == current.pods && old.layer.in_force.rules == current.layer.in_force.rules;
      });
}

class Comparison {
 public:
  Comparison(const PolicyBuild& before, const PolicyBuild& now)
      : before_(before), now_(now), same_rules_(HaveSameRules(before, now)) {}

  VerdictScope Run() {
    if (before_.input->cluster_cidrs != now_.input->cluster_cidrs) {
      scope_.everything = true;
      return std::move(scope_);
    }
    const std::vector<LocalPod> pods_before = LocalPodsOf(*before_.input);
    const std::vector<LocalPod> pods_now = LocalPodsOf(*now_.input);
    const auto compare = [&](const auto& before, const auto& now) {
      ForEachDifference(before, now, [&](const auto* old, const auto* current) {
        if (old != nullptr) AddSelected(*old, pods_before);
        if (current != nullptr) AddSelected(*current, pods_now);
      });
    };
    compare(before_.input->policies, now_.input->policies);
    compare(before_.input->multi_policies, now_.input->multi_policies);
    compare(before_.input->sluice_policies, now_.input->sluice_policies);
    compare(before_.input->cluster_policies, now_.input->cluster_policies);
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
  // A local pod, with the labels of its namespace.
  struct LocalPod {
    const Endpoint* endpoint;
    acl::Labels namespace_labels;
  };

  std::vector<LocalPod> LocalPodsOf(const PolicyInput& input) const {
    std::map<std::string, const acl::Namespace*> namespaces;
    for (const acl::Namespace& ns : input.namespaces) namespaces[ns.name] = &ns;
    std::vector<LocalPod> pods;
    for (const Endpoint& endpoint : input.endpoints) {
      if (!IsLocal(NameOf(endpoint))) continue;
      const auto known = namespaces.find(endpoint.namespace_name);
      pods.push_back(
          {&endpoint, LabelsOfNamespace(endpoint.namespace_name,
                                        known == namespaces.end() ? nullptr : known->second)});
    }
    return pods;
  }

  template <typename Policy>
  void AddSelected(const Policy& policy, const std::vector<LocalPod>& pods) {
    const SubjectSelector selector(policy);
    for (const LocalPod& pod : pods) {
      if (selector.Selects(*pod.endpoint, pod.namespace_labels)) {
        scope_.subjects.insert(NameOf(*pod.endpoint));
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
      const acl::Member* member = build.base.population.Find(name);
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

  // Whether `differs` says so of what one of the layers was and is. Without overlays there is one.
  template <typename Differs>
  bool InALayer(Differs differs) const {
    if (!same_rules_ || differs(before_.base, now_.base)) return true;
    return !std::ranges::equal(before_.overlays, now_.overlays,
                               [&](const Overlay& before, const Overlay& now) {
                                 return !differs(before.layer, now.layer);
                               });
  }

  bool SubjectDiffers(const ObjectName& name) const {
    return InALayer([&](const LayerBuild& layer, const LayerBuild& later) {
      const acl::Member* before = layer.population.Find(name);
      const acl::Member* now = later.population.Find(name);
      return before == nullptr || now == nullptr || before->subject != now->subject;
    });
  }

  bool AddressDiffers(const acl::IpAddress& address) const {
    return InALayer([&](const LayerBuild& layer, const LayerBuild& later) {
      return layer.addresses->Lookup(address) != later.addresses->Lookup(address);
    });
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
