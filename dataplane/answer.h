// What the sender of a refused packet is told, written into the packet's own buffer.
//
//   TCP      ether | IP | TCP: RST, numbered after RFC 9293, 3.10.7.1
//   others   ether | IP | ICMP: administratively prohibited | as much of the packet as fits
//
// Addresses, ports and MACs are the packet's, swapped: the answer comes from where the packet was
// to go. Nothing is allocated, and nothing of the packet is copied: an ICMP header goes into the
// headroom before it, a reset over its headers.
#pragma once

#include "dataplane/denial.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

// RFC 1812 4.3.2.3 and RFC 4443 2.4 (c): the largest IP packet that an ICMP error may be.
inline constexpr uint32_t kMaxIcmpError4 = 576, kMaxIcmpError6 = 1280;

// What a packet that passed Parse may be answered with. kNone: RST, ICMP errors and redirects,
// fragments but the first, what is to or from no single host (RFC 1122 3.2.2, RFC 4443 2.4 (e)).
AnswerKind AnswerTo(const Packet& packet);

// Turns packet.mbuf into its answer of `kind`, which is not kNone: one segment, complete, without
// VLAN tag but with room for one, an IP packet of at most `mtu` bytes. False, and the buffer is as
// it was, if others hold it too or it has too little room.
bool MakeAnswer(const Packet& packet, AnswerKind kind, uint32_t mtu);

}  // namespace sluice::dataplane
