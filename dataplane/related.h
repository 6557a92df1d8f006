// ICMP errors: which connection are they about?
//
// An error quotes the packet that caused it. It is *related*, and passes without a rule, if that
// packet belongs to a connection in force between the two ports that the error travels between, was
// sent by who now gets the error, and for TCP and SCTP carries numbers that were really sent. It
// moves and refreshes nothing. Who sends it does not matter: a router on the way may. An error
// without such a connection dies as icmp_unrelated, as nf_conntrack would have it (invalid).
//
// Related are destination unreachable, source quench, time exceeded, parameter problem; in IPv6
// also packet too big. A redirect moves routes: it is judged like any other ICMP.
#pragma once

#include <cstdint>

#include "acl/address.h"
#include "dataplane/connection.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

// What an error quotes, of a packet that was sent to where the error comes from.
struct Quote {
  acl::IpAddress source, destination;
  uint8_t protocol = 0;
  uint16_t source_port = 0;       // as in Packet; 0 without ports
  uint16_t destination_port = 0;  // as in Packet
  uint32_t number = 0;            // TCP: sequence number; SCTP: verification tag
};

// Reads the quote of a packet that passed Parse as kIcmpError. Bounds before bytes; the quote may
// be cut anywhere after the first eight bytes of its transport header. kNone, kHeaderSplit,
// kIcmpMalformed, or kIcmpUnrelated for what can belong to no connection.
DropReason ReadQuote(const Packet& packet, Quote& quote);

// Whether `number`, which the side `sent_by_b` is said to have sent, may be its own.
bool NumberFits(const Connection& connection, bool sent_by_b, uint32_t number);

}  // namespace sluice::dataplane
