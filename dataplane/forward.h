// Third stage: destination MAC -> out_port.
//
// Known pods' MACs are exact. Unknown unicast goes to the network's uplink, or dies. Broadcast and
// multicast are marked `flood` and go to every other member (flood.h). Nothing goes back out of the
// port it came from.
#pragma once

#include "dataplane/packet.h"

namespace sluice::dataplane {

void Forward(Burst& burst);

}  // namespace sluice::dataplane
