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
std::string NameOf(const acl::Namespace& object) { return object.name; }

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
    ForEachDifference(before_.input->policies, now_.input->policies,
                      [this](const NetworkPolicy* before, const NetworkPolicy* now) {
                        if (before != nullptr) AddSelected(*before, *before_.input);
                        if (now != nullptr) AddSelected(*now, *now_.input);
                      });
    ForEachDifference(before_.input->endpoints, now_.input->endpoints,
                      [this](const Endpoint* before, const Endpoint* now) {
                        AddEndpoint(before, IsNewOwner(before, now));
                        AddEndpoint(now, IsNewOwner(before, now));
                      });
    AddNamespaces();
    return std::move(scope_);
  }

 private:
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
    return before_.input->local.contains(name) || now_.input->local.contains(name);
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

}  // namespace sluice::control
