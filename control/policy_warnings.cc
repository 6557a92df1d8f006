#include "control/policy_warnings.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "acl/annotations.h"
#include "control/kube/object_warnings.h"

namespace sluice::control {
namespace {

void AddLegacyWithoutEffect(const acl::PolicyInput& input, std::vector<std::string>* warnings) {
  if (input.legacy_policy != acl::LegacyPolicy::kAnnotation) return;
  std::set<std::string> isolated;
  for (const acl::Namespace& ns : input.namespaces) {
    if (ns.ingress_default_deny) isolated.insert(ns.name);
  }
  for (const acl::NetworkPolicy& policy : input.policies) {
    if (!policy.legacy || isolated.contains(policy.namespace_name)) continue;
    warnings->push_back(fmt::format(
        "NetworkPolicy {0}/{1}: apiVersion: extensions/v1beta1 has no effect in namespace {0} "
        "without the annotation {2} (or legacy policy v1)",
        policy.namespace_name, policy.name, acl::kIsolationAnnotation));
  }
}

void AddEqualPriorities(const acl::PolicyInput& input, std::vector<std::string>* warnings) {
  std::map<std::pair<std::string, int64_t>, std::string> first;  // by tier and priority
  for (const acl::ClusterPolicy& policy : input.cluster_policies) {
    if (policy.kind == acl::ClusterPolicyKind::kBaselineAdminNetworkPolicy) continue;
    const std::string object = fmt::format("{} {}", acl::KindName(policy.kind), policy.name);
    const auto [place, is_first] = first.try_emplace({policy.tier, policy.priority}, object);
    if (is_first) continue;
    warnings->push_back(
        fmt::format("{}: spec.priority: {} in tier {} is that of {} too: which comes first is not "
                    "to be relied on",
                    object, policy.priority, policy.tier, place->second));
  }
}

}  // namespace

std::vector<std::string> WarningsOfTogether(const acl::PolicyInput& input) {
  std::vector<std::string> warnings;
  AddLegacyWithoutEffect(input, &warnings);
  AddEqualPriorities(input, &warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const acl::PolicyInput& input) {
  std::vector<std::string> warnings = WarningsOfTogether(input);
  for (const acl::ClusterPolicy& policy : input.cluster_policies) {
    std::ranges::move(WarningsOf(policy), std::back_inserter(warnings));
  }
  return warnings;
}

}  // namespace sluice::control
