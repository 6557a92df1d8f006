#include "dataplane/vlan.h"

#include <rte_ether.h>

namespace sluice::dataplane {
namespace {

constexpr uint64_t kTagFlags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
constexpr uint16_t kVlanIdMask = 0x0fff;

// The VLAN id of a packet, 0 if it has none, and the packet without the tag. The device may have
// taken the tag off already. Two tags at once are left to parse.
uint16_t TakeTag(rte_mbuf* mbuf) {
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_QINQ) != 0) return 0;
  const bool stripped = (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;
  if (!stripped) {
    mbuf->ol_flags &= ~kTagFlags;
    if (rte_pktmbuf_data_len(mbuf) < sizeof(rte_ether_hdr) + sizeof(rte_vlan_hdr)) return 0;
    if (rte_vlan_strip(mbuf) != 0) return 0;
  }
  mbuf->ol_flags &= ~kTagFlags;
  return mbuf->vlan_tci & kVlanIdMask;
}

NetworkId NetworkOf(const PortView& uplink, rte_mbuf* mbuf) {
  const auto found = uplink.vlans.find(TakeTag(mbuf));
  return found == uplink.vlans.end() ? kNoNetwork : found->second;
}

// False: the buffer is shared or has no room before the frame, and is as it was.
bool Insert(rte_mbuf** mbuf, uint16_t vlan) {
  (*mbuf)->vlan_tci = vlan;
  return rte_vlan_insert(mbuf) == 0;
}

}  // namespace

NetworkGroups::NetworkGroups(const PortView& uplink, std::span<rte_mbuf*> received)
    : received_(received), left_(received.size()) {
  for (size_t i = 0; i < left_; ++i) networks_[i] = NetworkOf(uplink, received_[i]);
}

NetworkGroup NetworkGroups::Next() {
  const NetworkId network = networks_[0];
  size_t count = 0, others = 0;
  for (size_t i = 0; i < left_; ++i) {
    if (networks_[i] == network) {
      group_[count++] = received_[i];
    } else {
      networks_[others] = networks_[i];
      received_[others++] = received_[i];
    }
  }
  left_ = others;
  return {network, {group_.data(), count}};
}

bool PushTag(rte_mbuf** mbuf, uint16_t vlan) {
  if (Insert(mbuf, vlan)) return true;
  rte_mbuf* copy = CopyWithTag(*mbuf, vlan);
  if (copy == nullptr) return false;
  rte_pktmbuf_free(*mbuf);
  *mbuf = copy;
  return true;
}

rte_mbuf* CopyWithTag(const rte_mbuf* mbuf, uint16_t vlan) {
  rte_mbuf* copy = rte_pktmbuf_copy(mbuf, mbuf->pool, 0, UINT32_MAX);
  if (copy == nullptr || Insert(&copy, vlan)) return copy;
  rte_pktmbuf_free(copy);
  return nullptr;
}

}  // namespace sluice::dataplane
