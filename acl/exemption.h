// What NetworkPolicy does not block of itself (SEMANTICS line 11).
//
// Classes cannot express this: it joins one pod to one address. Whoever judges a pair of pods by
// their names and addresses (sluicectl verdict, explain) applies it to the tries' answer. The live
// switch does so in its own way: there a pod's packets to itself never arrive, and the node is
// known by its host port.
#pragma once

#include "acl/classifier.h"
#include "acl/flat_rule.h"
#include "acl/objects.h"

namespace sluice::acl {

// What holds of the tries' `decision` about `subject`: none of it if the peer is the pod itself
// (either direction), or the pod's own node and the traffic comes in, unless the policies that deny
// it close that too (PolicyOptions::judges_own_node).
Decision Exempted(const Decision& decision, const Endpoint& subject, const IpAddress& peer,
                  Direction direction);

}  // namespace sluice::acl
