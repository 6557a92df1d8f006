// Third stage: destination MAC -> out_port.
//
// The MACs of pods and of the host port, which control gives, come first; then what was learned
// (learned_macs.h) behind the uplink, behind the host port, and of the MACs that pods are allowed
// beside their own. Unknown unicast goes to the network's uplink, or dies. Broadcast and
// multicast are marked `flood` and go to every other member (flood.h). Nothing goes back out of the
// port it came from.
#pragma once

#include "dataplane/packet.h"

namespace sluice::dataplane {

void Forward(Burst& burst);

}  // namespace sluice::dataplane
