// What NetworkPolicy never blocks, whatever it says (SEMANTICS line 11).
//
// Classes cannot express this: it joins one pod to one address. Whoever judges a pair of pods by
// their names and addresses (sluicectl verdict, explain) asks here first. The live switch does not:
// there a pod's packets to itself never arrive, and the node is known by its host port.
#pragma once

#include "acl/flat_rule.h"
#include "acl/objects.h"

namespace sluice::acl {

// True if `subject` and `peer` may talk regardless of policy: the peer is the pod itself (either
// direction), or the peer is the pod's own node and the traffic comes in.
bool IsExempt(const Endpoint& subject, const IpAddress& peer, Direction direction);

}  // namespace sluice::acl
