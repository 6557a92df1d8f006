// What NetworkPolicies, MultiNetworkPolicies and SluicePolicies have in common, checked. Use
// acl/validate.h.
#pragma once

#include <string>
#include <vector>

#include "acl/checks.h"
#include "acl/objects.h"

namespace sluice::acl {

Finding CheckPolicyTypes(const std::vector<std::string>& types);
// Peers and ports of the rule at `field`, "spec.ingress[0]"; `peers` names its list of peers.
Finding CheckRule(const std::string& field, const char* peers, const NetworkPolicyRule& rule);
// What the annotation policy-for names.
Finding CheckPolicyFor(const std::vector<std::string>& networks);

}  // namespace sluice::acl
