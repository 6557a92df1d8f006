#include "dataplane/virtio_header.h"

#include <rte_tcp.h>
#include <rte_udp.h>

#include <cstddef>

namespace sluice::dataplane {
namespace {

// <linux/virtio_net.h> is no C++.
constexpr uint8_t kNeedsChecksum = 1;                        // flags
constexpr uint8_t kCutNone = 0, kCutTcp4 = 1, kCutTcp6 = 4;  // cut

}  // namespace

void SayReceived(const VirtioHeader& header, rte_mbuf& mbuf) {
  if ((header.flags & kNeedsChecksum) != 0) mbuf.ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
  if (header.cut == kCutNone) return;
  const bool agreed = header.cut == kCutTcp4 || header.cut == kCutTcp6;
  mbuf.ol_flags |= RTE_MBUF_F_RX_LRO;
  mbuf.tso_segsz = agreed ? header.segment : uint16_t{0};
}

VirtioHeader HeaderOf(const rte_mbuf& mbuf) {
  VirtioHeader header;
  const uint64_t sum = mbuf.ol_flags & RTE_MBUF_F_TX_L4_MASK;
  if (sum == 0) return header;
  header.flags = kNeedsChecksum;
  header.sum_start = static_cast<uint16_t>(mbuf.l2_len + mbuf.l3_len);
  header.sum_offset = sum == RTE_MBUF_F_TX_TCP_CKSUM ? offsetof(rte_tcp_hdr, cksum)
                                                     : offsetof(rte_udp_hdr, dgram_cksum);
  if ((mbuf.ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0) return header;
  header.cut = (mbuf.ol_flags & RTE_MBUF_F_TX_IPV4) != 0 ? kCutTcp4 : kCutTcp6;
  header.headers = static_cast<uint16_t>(header.sum_start + mbuf.l4_len);
  header.segment = mbuf.tso_segsz;
  return header;
}

}  // namespace sluice::dataplane
