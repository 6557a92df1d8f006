// What a sender left to others: transport checksums, and cutting a large frame into segments.
//
// The peer of a vhost port may send a packet whose transport checksum it has not computed, and a
// TCP frame or UDP datagram of up to 64 KiB that is to be cut ("TSO", "UFO"). The vhost library
// says so in the buffer's receive flags (RX_L4_CKSUM_NONE; RX_LRO with tso_segsz), hardly checked
// against the headers. CheckOffloads checks, and turns them into the transmit flags and header
// lengths that DPDK defines (rte_mbuf_core.h). From then on these say what is still to be done: by
// a peer that takes it, or by `transmit` (segment.h).
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "dataplane/packet.h"

namespace sluice::dataplane {

// What the peer of a port takes undone. Bits.
enum Offload : uint8_t {
  kOffloadChecksum = 1,  // TCP and UDP checksums
  kOffloadTcp4 = 2,      // TCP frames to be cut
  kOffloadTcp6 = 4,
  kOffloadUdp = 8,      // UDP datagrams to be fragmented
  kOffloadNever = 128,  // no peer takes it
};
using Offloads = uint8_t;

// A frame that would fall into more pieces is refused: one buffer must not cost a worker more.
inline constexpr unsigned kMaxSegments = 256;

// After Parse, for every living packet. What no honest sender asks for dies as kOffloadMalformed.
void CheckOffloads(Burst& burst);
// One packet that passed Parse.
DropReason CheckPacketOffloads(Packet& packet);

inline constexpr uint64_t kCutFlags = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG;
inline constexpr uint64_t kOffloadFlags = kCutFlags | RTE_MBUF_F_TX_L4_MASK;
// With what they need to know of the packet.
inline constexpr uint64_t kOffloadState = kOffloadFlags | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6;

// Of a buffer that passed CheckOffloads.
inline bool HasOffloads(const rte_mbuf& mbuf) { return (mbuf.ol_flags & kOffloadFlags) != 0; }
inline bool IsToBeCut(const rte_mbuf& mbuf) { return (mbuf.ol_flags & kCutFlags) != 0; }
// Bytes of the Ethernet frame without its link header, or of the largest piece it is to be cut
// into.
inline uint32_t LargestIpPacket(const rte_mbuf& mbuf, uint32_t link_header) {
  if (!IsToBeCut(mbuf)) return mbuf.pkt_len - link_header;
  const uint32_t repeated = (mbuf.ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 ? mbuf.l4_len : 0;
  return mbuf.l3_len + repeated + mbuf.tso_segsz;
}
// Which of them a peer must take to get the buffer as it is.
Offloads NeededOffloads(const rte_mbuf& mbuf);

}  // namespace sluice::dataplane
