// Before the first stage and before the last: which network is a packet of, and how does the uplink
// tell them apart?
//
// A pod's port and the host's belong to one network and take no tag (parse drops tagged packets).
// An uplink may carry several networks, each under its own VLAN id. One 802.1Q tag is taken off
// what enters there; none, or one with VLAN id 0 (a priority tag), means the network without a tag.
// More tags than one (802.1ad) stay in the packet, and parse drops it. What leaves by the uplink
// gets the network's tag, with priority 0. The bytes of tags are touched here and nowhere else.
#pragma once

#include <array>
#include <span>

#include "dataplane/packet.h"

namespace sluice::dataplane {

// Packets that came in together and belong to one network, in their order.
struct NetworkGroup {
  NetworkId network = kNoNetwork;  // kNoNetwork: none on this uplink has their VLAN
  std::span<rte_mbuf*> mbufs;      // good until the next call of Next
};

// Takes the tags off a burst from an uplink and hands it out network by network.
class NetworkGroups {
 public:
  // At most kBurstSize buffers; their array is used as scratch space.
  NetworkGroups(const PortView& uplink, std::span<rte_mbuf*> received);

  bool empty() const { return left_ == 0; }
  NetworkGroup Next();

 private:
  const std::span<rte_mbuf*> received_;
  std::array<NetworkId, kBurstSize> networks_;  // of received_[0 .. left_)
  std::array<rte_mbuf*, kBurstSize> group_;
  size_t left_;
};

// Puts a tag into a buffer, or into a copy that takes its place where it is shared or has no room.
// False: no buffer is left, and it is as it was. The caller's buffer is larger by the tag: lengths
// are to be checked before.
bool PushTag(rte_mbuf** mbuf, uint16_t vlan);

// A copy with a tag, for a packet that others still refer to. Null: no buffer is left.
rte_mbuf* CopyWithTag(const rte_mbuf* mbuf, uint16_t vlan);

}  // namespace sluice::dataplane
