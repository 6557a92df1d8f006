// Second stage: a pod sends only as itself.
//
// Source MAC and source address must be the port's own, or allowed to it; ARP and neighbour
// discovery may speak only for the port's addresses; router advertisements and redirects never come
// from pods. A port whose endpoint is not known yet sends nothing. A router pod's port without
// guard passes any address, other pods' too. Link-local IPv6 is the pod's if it is the EUI-64
// address of its MAC. What enters by an uplink may not speak for a local pod or for this node. The
// node may send what it routes, from any address, but not advertise a pod's address.
#pragma once

#include "dataplane/packet.h"

namespace sluice::dataplane {

void Guard(Burst& burst);

}  // namespace sluice::dataplane
