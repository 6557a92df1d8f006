// First stage, and the only reader of raw headers: bounds before bytes.
//
// Reads the first segment of each buffer, never past its data length, and turns headers into the
// values of Packet. What it cannot account for dies here under the reason that says which header.
// Accepts Ethernet II with ARP, IPv4 and IPv6; TCP, UDP, ICMP and ICMPv6 are read further, other IP
// protocols are known by number and addresses. Ethernet padding after the IP packet is fine.
//
// A first fragment must hold the whole header chain, transport header included (RFC 7112); of later
// ones only the place in the datagram is known here.
#pragma once

#include "dataplane/packet.h"

namespace sluice::dataplane {

// Longest chain of IPv6 extension headers that is walked (RFC 8200 gives no bound).
inline constexpr unsigned kMaxIpv6Extensions = 8;

void Parse(Burst& burst);
// One packet, whatever the burst; `packet.mbuf` must be set.
void ParsePacket(Packet& packet);

// For `guard`, of a packet that passed Parse as kNeighbour: the target address of an NS or NA (the
// unspecified address for other types), and the options of an NS, NA or RS (none for others).
acl::IpAddress NeighbourTarget(const Packet& packet);
std::span<const uint8_t> NeighbourOptions(const Packet& packet);

}  // namespace sluice::dataplane
