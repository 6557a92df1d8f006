// A one-armed router behind the uplink: it gets a pod's packet and sends it back, with its own MAC,
// to another pod here.
//
// Nobody out there has a local pod's address, so a packet from the uplink with one is a lie, unless
// a router returns it: guard marks packets that come from the MAC of a router that the network
// names (Packet::claimed). Here they are held against the table: the pod must have a connection
// over the uplink with this very 5-tuple, live, in either direction. An outsider would have to know
// and use a 5-tuple that is being routed this way just now, and then reach what that connection may
// reach. The packet goes on as one from outside: (no subject, receiver) is another connection than
// (pod, no subject), judged for ingress by the class of its source address.
#pragma once

#include "dataplane/connection_table.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

// After Forward. What has no such connection dies as kGuardAddress.
void ProveReturned(Burst& burst, const ConnectionTable& table);

}  // namespace sluice::dataplane
