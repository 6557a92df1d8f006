// Rules and specs, as NetworkPolicies and SluicePolicies have them. Use
// control/kube/readers.h.
#pragma once

#include <string_view>

#include "acl/objects.h"
#include "control/kube/object_reader.h"
#include "control/kube/policy_parts.h"

namespace sluice::control {

// `peers` is "from" or "to". Other fields are the caller's to ask for, or to refuse.
acl::NetworkPolicyRule ReadNetworkRule(ObjectReader& rule, std::string_view peers);

// What the specs of both have: whom it selects, and its rules, which read_rule(rule, peers) reads.
template <typename Policy, typename ReadRule>
void ReadNetworkSpec(ObjectReader spec, const ReadRule& read_rule, Policy* policy) {
  policy->pod_selector = ReadSelector(spec.Object("podSelector"));
  policy->policy_types = spec.Texts("policyTypes");
  const auto read = [&](std::string_view direction, std::string_view peers, auto& rules) {
    for (ObjectReader& rule : spec.Objects(direction)) {
      rules.push_back(read_rule(rule, peers));
      rule.RefuseOtherFields();
    }
  };
  read("ingress", "from", policy->ingress);
  read("egress", "to", policy->egress);
  spec.RefuseOtherFields();
}

}  // namespace sluice::control
