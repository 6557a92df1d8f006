// Peers and ports of a rule, as NetworkPolicies and SluicePolicies have them. Use
// control/kube/readers.h.
#pragma once

#include <string_view>

#include "acl/objects.h"
#include "control/kube/object_reader.h"

namespace sluice::control {

// `peers` is "from" or "to". Other fields are the caller's to ask for, or to refuse.
acl::NetworkPolicyRule ReadNetworkRule(ObjectReader& rule, std::string_view peers);

}  // namespace sluice::control
