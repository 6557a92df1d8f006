// ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861): the four messages that find a MAC.
//
// Reads and builds them; who is known, and when to ask, is NeighborTable's; who answers,
// HostStack's.
#pragma once

#include <optional>

#include "perf/pktgen/frame.h"

namespace sluice::pktgen {

// A question for, or a statement about, the MAC of an address.
struct NeighborMessage {
  bool is_query = false;
  IpAddress target;               // asked for, or spoken of
  IpAddress sender;               // who asks (query); equal to target otherwise
  std::optional<MacAddress> mac;  // of `sender`, as the message says
};

// Errors: nothing, for any message that is malformed or none of the four. Discovery must come with
// hop limit 255.
std::optional<NeighborMessage> ReadNeighborMessage(const ParsedFrame& frame);

// Who has `target`? ARP: broadcast; ND: to the solicited-node multicast address.
Frame BuildNeighborQuery(const MacAddress& mac, const IpAddress& sender, const IpAddress& target);
// `target` is at `mac`, sent to the one who asked.
Frame BuildNeighborAnswer(const MacAddress& mac, const IpAddress& target,
                          const MacAddress& asker_mac, const IpAddress& asker);

// fe80::/64 with the modified EUI-64 of `mac` (RFC 4291, appendix A).
IpAddress LinkLocalAddress(const MacAddress& mac);
bool IsLinkLocal(const IpAddress& address);

}  // namespace sluice::pktgen
