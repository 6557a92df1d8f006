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
  if (SelectorIsValid(*refused)) policy.pod_selector = refused->pod_selector;
  if (TypesAreValid(*refused)) {
    policy.policy_types.clear();
    if (refused->IsolatesIngress()) policy.policy_types.push_back("Ingress");
    if (refused->IsolatesEgress()) policy.policy_types.push_back("Egress");
  }
  return policy;
}

}  // namespace sluice::control
