// Broadcast and multicast: one copy for each member that may have it.
//
// Off the fast path. ARP and neighbour discovery go to every open member; IP is judged for each
// receiving port by itself, and neither makes nor uses a connection (SEMANTICS 28). Copies share
// the buffer by reference count. IP must be for a group address, and neither TCP nor SCTP.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/transmit.h"

namespace sluice::dataplane {

// Handles every living packet marked `flood`. A packet that nobody takes dies: of policy if policy
// refused every receiver, else as kNoReceiver. Returns how many keys went to the tries.
unsigned Flood(Burst& burst, Transmitter& transmitter);

}  // namespace sluice::dataplane
