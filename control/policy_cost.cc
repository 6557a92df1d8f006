#include "control/policy_cost.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace sluice::control {
namespace {

size_t RulesOf(const acl::PolicyInput& input) {
  size_t rules = 0;
  const auto add = [&](const auto& policy) {
    rules += policy.ingress.size() + policy.egress.size();
  };
  for (const acl::NetworkPolicy& policy : input.policies) add(policy);
  for (const acl::MultiNetworkPolicy& multi : input.multi_policies) add(multi.policy);
  for (const acl::SluicePolicy& policy : input.sluice_policies) add(policy);
  for (const acl::ClusterPolicy& policy : input.cluster_policies) add(policy);
  return rules;
}

RuleSetCost CostOf(const RuleSet& set) {
  RuleSetCost cost{.directions = {}, .tries = set.cost};
  for (const acl::FlatRule& rule : set.rules->rules) {
    ++cost.directions[static_cast<unsigned>(rule.direction)].flat_rules;
    if (set.rules->sources[rule.source].rule.empty()) ++cost.default_denies;
  }
  for (const acl::Direction direction : {acl::Direction::kEgress, acl::Direction::kIngress}) {
    cost.directions[static_cast<unsigned>(direction)].bytes =
        set.classifier->memory_bytes(direction);
  }
  return cost;
}

using Shares = std::map<std::string, PolicyShare>;

// Of the policies that are `wanted`.
template <typename Wanted>
void AddShares(const acl::RuleTable& table, Wanted wanted, Shares& shares) {
  std::set<uint32_t> seen;
  for (const acl::FlatRule& rule : table.rules) {
    const acl::RuleSource& source = table.sources[rule.source];
    if (source.rule.empty() || !wanted(source.policies[0])) continue;
    PolicyShare& share = shares[source.policies[0]];
    share.policy = source.policies[0];
    ++share.flat_rules;
    share.rules += seen.insert(rule.source).second ? 1 : 0;
  }
}

// As they are: of edited policies what the overlays have. Of equals the first by name.
std::vector<PolicyShare> MostOf(const PolicyBuild& build) {
  Shares shares;
  const auto edited = [&](const std::string& policy) { return build.edited.contains(policy); };
  AddShares(*build.base.in_force.rules, std::not_fn(edited), shares);
  for (const Overlay& overlay : build.overlays) {
    Shares own;
    const auto current = [&](const std::string& policy) {
      return edited(policy) && !overlay.edited_since.contains(policy);
    };
    AddShares(*overlay.layer.in_force.rules, current, own);
    for (const auto& [policy, share] : own) {
      PolicyShare& sum = shares[policy];
      sum = {policy, std::max(sum.rules, share.rules), sum.flat_rules + share.flat_rules};
    }
  }
  std::vector<PolicyShare> most;
  for (const auto& [name, share] : shares) most.push_back(share);
  std::ranges::stable_sort(most, std::ranges::greater(), &PolicyShare::flat_rules);
  if (most.size() > kMostPolicies) most.resize(kMostPolicies);
  return most;
}

void Add(const RuleSetCost& more, RuleSetCost& sum) {
  for (unsigned i = 0; i < acl::kDirections; ++i) {
    sum.directions[i].flat_rules += more.directions[i].flat_rules;
    sum.directions[i].bytes += more.directions[i].bytes;
  }
  sum.default_denies += more.default_denies;
  sum.tries.build_seconds += more.tries.build_seconds;
  sum.tries.proof_seconds += more.tries.proof_seconds;
  sum.tries.proof.atoms += more.tries.proof.atoms;
  sum.tries.proof.keys += more.tries.proof.keys;
  sum.tries.proof.exhaustive = sum.tries.proof.exhaustive && more.tries.proof.exhaustive;
}

OverlayCost OverlayCostOf(const PolicyBuild& build) {
  OverlayCost cost{.edited = build.edited.size(), .in_force = {}};
  cost.in_force.tries.proof.exhaustive = true;
  for (const Overlay& overlay : build.overlays) {
    cost.pods += overlay.pods.size();
    const acl::Universe& universe = *overlay.layer.universe;
    cost.classes += &universe == build.base.universe.get() ? 0 : universe.classes().size();
    Add(CostOf(overlay.layer.in_force), cost.in_force);
  }
  return cost;
}

}  // namespace

PolicyCost CostOf(const PolicyBuild& build) {
  const acl::PolicyInput& input = *build.input;
  PolicyCost cost{.policies = input.policies.size() + input.multi_policies.size() +
                              input.sluice_policies.size() + input.cluster_policies.size(),
                  .rules = RulesOf(input),
                  .classes = build.base.universe->classes().size(),
                  .in_force = CostOf(build.base.in_force),
                  .audit = {},
                  .overlay = {},
                  .build = build.base.cost,
                  .most = MostOf(build)};
  if (build.base.audit.classifier != nullptr) cost.audit = CostOf(build.base.audit);
  if (!build.overlays.empty()) cost.overlay = OverlayCostOf(build);
  return cost;
}

}  // namespace sluice::control
