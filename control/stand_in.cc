#include "control/stand_in.h"

#include <fmt/core.h>

#include <cstdint>
#include <string>

#include "acl/validate.h"

namespace sluice::control {
namespace {

// Validation looks at whole policies, so each part is tried in a policy that is good otherwise.
bool IsValidWith(void (*put)(const acl::NetworkPolicy&, acl::NetworkPolicy&),
                 const acl::NetworkPolicy& part) {
  acl::NetworkPolicy trial;
  trial.namespace_name = "default";
  trial.name = "stand-in";
  put(part, trial);
  return acl::Validate(trial).ok();
}

bool SelectorIsValid(const acl::NetworkPolicy& refused) {
  return IsValidWith([](const auto& from, auto& to) { to.pod_selector = from.pod_selector; },
                     refused);
}

bool TypesAreValid(const acl::NetworkPolicy& refused) {
  return IsValidWith([](const auto& from, auto& to) { to.policy_types = from.policy_types; },
                     refused);
}

// FNV-1a: the same name on every machine and in every run.
std::string MadeUpName(const std::string& refused) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : refused) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return fmt::format("refused-{:016x}", hash);
}

// Whether a policy that is good otherwise stays so with `part` in it.
bool ClusterPartIsValid(acl::ClusterPolicy good,
                        void (*put)(const acl::ClusterPolicy&, acl::ClusterPolicy&),
                        const acl::ClusterPolicy& part) {
  put(part, good);
  return acl::Validate(good).ok();
}

acl::ClusterRule FailClosed(const char* direction) {
  acl::ClusterRule rule;
  rule.action = "Deny";
  rule.peers = {acl::UnknownKind{std::string("spec.") + direction}};
  return rule;
}

// Takes from `refused` what is valid by itself.
void CopyValidParts(const acl::ClusterPolicy& refused, acl::ClusterPolicy* policy) {
  constexpr void (*kParts[])(const acl::ClusterPolicy&, acl::ClusterPolicy&) = {
      [](const auto& from, auto& to) { to.tier = from.tier; },
      [](const auto& from, auto& to) { to.priority = from.priority; },
      [](const auto& from, auto& to) { to.subject = from.subject; },
  };
  for (const auto put : kParts) {
    if (ClusterPartIsValid(*policy, put, refused)) put(refused, *policy);
  }
}

}  // namespace

std::optional<acl::NetworkPolicy> MakeStandIn(const ObjectName& name,
                                              const acl::NetworkPolicy* refused) {
  acl::NetworkPolicy policy;
  policy.namespace_name = name.first;
  policy.name = name.second;
  policy.policy_types = {"Ingress", "Egress"};
  if (!acl::Validate(policy).ok()) policy.name = MadeUpName(name.second);
  if (!acl::Validate(policy).ok()) return std::nullopt;
  if (refused == nullptr) return policy;
  policy.options = refused->options;
  if (SelectorIsValid(*refused)) policy.pod_selector = refused->pod_selector;
  if (TypesAreValid(*refused)) {
    policy.policy_types.clear();
    if (refused->IsolatesIngress()) policy.policy_types.push_back("Ingress");
    if (refused->IsolatesEgress()) policy.policy_types.push_back("Egress");
  }
  return policy;
}

std::optional<acl::MultiNetworkPolicy> MakeMultiStandIn(const ObjectName& name,
                                                        const acl::MultiNetworkPolicy* refused) {
  auto policy = MakeStandIn(name, refused == nullptr ? nullptr : &refused->policy);
  if (!policy) return std::nullopt;
  acl::MultiNetworkPolicy multi{*std::move(policy), {kEveryNetwork}};
  if (refused == nullptr) return multi;
  acl::MultiNetworkPolicy trial{multi.policy, refused->networks};
  return acl::Validate(trial).ok() ? trial : multi;
}

std::optional<acl::SluicePolicy> MakeSluiceStandIn(const ObjectName& name,
                                                   const acl::SluicePolicy* refused) {
  acl::NetworkPolicy meant;  // what it selects and isolates
  if (refused != nullptr) {
    meant.options = refused->options;
    meant.pod_selector = refused->pod_selector;
    meant.policy_types = refused->policy_types;
    meant.egress.resize(refused->egress.size());
  }
  const auto isolating = MakeStandIn(name, refused == nullptr ? nullptr : &meant);
  if (!isolating) return std::nullopt;
  acl::SluicePolicy policy;
  policy.namespace_name = isolating->namespace_name;
  policy.name = isolating->name;
  policy.options = isolating->options;
  policy.pod_selector = isolating->pod_selector;
  policy.policy_types = isolating->policy_types;
  if (refused != nullptr) policy.networks = refused->networks;
  if (refused == nullptr || !acl::Validate(policy).ok()) policy.networks = {kEveryNetwork};
  return policy;
}

std::optional<acl::ClusterPolicy> MakeClusterStandIn(const ObjectKey& key,
                                                     const acl::ClusterPolicy* refused) {
  acl::ClusterPolicy policy;
  policy.kind = *ClusterPolicyKindOf(key.kind);
  const bool baseline = policy.kind == acl::ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  policy.tier = baseline ? "Baseline" : "Admin";
  policy.name = key.name.second;
  if (!acl::Validate(policy).ok()) {
    policy.kind = acl::ClusterPolicyKind::kClusterNetworkPolicy;
    policy.name = MadeUpName(key.kind + " " + key.name.second);
  }
  if (refused != nullptr) {
    policy.options = refused->options;
    policy.options.judges_own_node = false;  // isolates nothing
    CopyValidParts(*refused, &policy);
  }
  if (refused == nullptr || !refused->ingress.empty()) policy.ingress = {FailClosed("ingress")};
  if (refused == nullptr || !refused->egress.empty()) policy.egress = {FailClosed("egress")};
  return policy;
}

}  // namespace sluice::control
