#include "dataplane/offload.h"

#include <netinet/in.h>
#include <rte_branch_prediction.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

namespace sluice::dataplane {
namespace {

// All that says something about offloads, on either way. Whether a buffer is shared is not in here.
constexpr uint64_t kReceiveFlags = RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_IP_CKSUM_MASK |
                                   RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD |
                                   RTE_MBUF_F_RX_OUTER_L4_CKSUM_MASK | RTE_MBUF_F_RX_LRO;
constexpr uint64_t kReported = kReceiveFlags | RTE_MBUF_F_TX_OFFLOAD_MASK;

constexpr uint8_t kTcpNeverCut =
    kTcpSyn | kTcpRst | 0x20;        // URG: its pointer holds for one segment
constexpr unsigned kMinSegment = 8;  // what IP fragments count in
constexpr uint32_t kMaxL3Length = (1u << RTE_MBUF_L3_LEN_BITS) - 1;

// The TCP header's length; Parse has bounded it by the packet, not by the first segment.
uint32_t TcpHeaderLength(const Packet& packet) {
  const auto* tcp = rte_pktmbuf_mtod_offset(packet.mbuf, const rte_tcp_hdr*, packet.l4_offset);
  return (tcp->data_off >> 4) * 4u;
}

DropReason AskForChecksum(Packet& packet) {
  switch (packet.protocol) {
    case IPPROTO_TCP:
      packet.mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
      return DropReason::kNone;
    case IPPROTO_UDP:
      packet.mbuf->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
      return DropReason::kNone;
    case IPPROTO_SCTP:
      packet.mbuf->ol_flags |= RTE_MBUF_F_TX_SCTP_CKSUM;
      return DropReason::kNone;
    default:
      return DropReason::kOffloadMalformed;
  }
}

// The frame is larger than one piece. `segment`: payload bytes of each piece but the last.
DropReason AskForCut(Packet& packet, uint32_t segment) {
  rte_mbuf& mbuf = *packet.mbuf;
  uint32_t payload = packet.l4_length;
  if (packet.protocol == IPPROTO_TCP) {
    if ((packet.tcp_flags & kTcpNeverCut) != 0) return DropReason::kOffloadMalformed;
    payload -= mbuf.l4_len;
    mbuf.ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
  } else {
    mbuf.ol_flags |= RTE_MBUF_F_TX_UDP_SEG;
    segment -= segment % kMinSegment;
  }
  const bool too_many = segment < kMinSegment || payload > segment * kMaxSegments;
  if (too_many) return DropReason::kOffloadMalformed;
  if (payload <= segment) mbuf.ol_flags &= ~kCutFlags;  // one piece: nothing to cut
  mbuf.tso_segsz = static_cast<uint16_t>(segment);
  return DropReason::kNone;
}

}  // namespace

DropReason CheckPacketOffloads(Packet& packet) {
  rte_mbuf& mbuf = *packet.mbuf;
  const uint64_t reported = mbuf.ol_flags;
  const bool partial = (reported & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
  const bool large = (reported & RTE_MBUF_F_RX_LRO) != 0;
  const uint32_t segment = mbuf.tso_segsz;
  mbuf.ol_flags &= ~kReported;
  if (!partial && !large) return DropReason::kNone;
  if (packet.fragment.present()) return DropReason::kOffloadMalformed;  // the sum is the datagram's
  const uint32_t l3_length = uint32_t{packet.l4_offset} - packet.l3_offset;
  if (packet.kind != PacketKind::kTracked || l3_length > kMaxL3Length) {
    return DropReason::kOffloadMalformed;
  }

  mbuf.tx_offload = 0;
  mbuf.l2_len = packet.l3_offset;
  mbuf.l3_len = l3_length & kMaxL3Length;
  mbuf.ol_flags |=
      packet.src.family == acl::Family::kIpv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
  if (packet.protocol == IPPROTO_TCP) {
    const uint32_t header = TcpHeaderLength(packet);
    if (packet.l4_offset + header > mbuf.data_len) return DropReason::kHeaderSplit;
    mbuf.l4_len = header;
  } else if (packet.protocol == IPPROTO_UDP) {
    mbuf.l4_len = sizeof(rte_udp_hdr);
  } else if (large) {
    return DropReason::kOffloadMalformed;
  }
  const DropReason drop = AskForChecksum(packet);
  if (drop != DropReason::kNone || !large) return drop;
  return AskForCut(packet, segment);
}

void CheckOffloads(Burst& burst) {
  for (Packet& packet : burst.all()) {
    if (likely((packet.mbuf->ol_flags & kReported) == 0) || !packet.alive()) continue;
    packet.drop = CheckPacketOffloads(packet);
  }
}

Offloads NeededOffloads(const rte_mbuf& mbuf) {
  const bool v4 = (mbuf.ol_flags & RTE_MBUF_F_TX_IPV4) != 0;
  // The vhost library takes the IPv6 header's protocol for the transport's.
  if (!v4 && mbuf.l3_len != sizeof(rte_ipv6_hdr)) return kOffloadNever;
  switch (mbuf.ol_flags & RTE_MBUF_F_TX_L4_MASK) {
    case RTE_MBUF_F_TX_TCP_CKSUM:
      if (!IsToBeCut(mbuf)) return kOffloadChecksum;
      return kOffloadChecksum | (v4 ? kOffloadTcp4 : kOffloadTcp6);
    case RTE_MBUF_F_TX_UDP_CKSUM:
      return IsToBeCut(mbuf) ? kOffloadChecksum | kOffloadUdp : kOffloadChecksum;
    default:
      return kOffloadNever;  // SCTP: few stacks know that a partial checksum may be a CRC
  }
}

}  // namespace sluice::dataplane
