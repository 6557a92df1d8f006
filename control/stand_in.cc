#include "control/stand_in.h"

#include "acl/validate.h"

namespace sluice::control {
namespace {

// Validation looks at whole policies, so each part is tried in a policy that is good otherwise.
acl::NetworkPolicy GoodPolicy() {
  acl::NetworkPolicy policy;
  policy.namespace_name = "default";
  policy.name = "stand-in";
  return policy;
}

bool SelectorIsValid(const acl::NetworkPolicy& refused) {
  acl::NetworkPolicy trial = GoodPolicy();
  trial.pod_selector = refused.pod_selector;
  return acl::Validate(trial).ok();
}

bool TypesAreValid(const acl::NetworkPolicy& refused) {
  acl::NetworkPolicy trial = GoodPolicy();
  trial.policy_types = refused.policy_types;
  return acl::Validate(trial).ok();
}

}  // namespace

acl::NetworkPolicy MakeStandIn(const ObjectName& name, const acl::NetworkPolicy* refused) {
  acl::NetworkPolicy policy;
  policy.namespace_name = name.first;
  policy.name = name.second;
  policy.policy_types = {"Ingress", "Egress"};
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
