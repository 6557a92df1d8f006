// Behind judge: what would policies that are under audit say?
//
// They are part of a second rule table, beside all that are in force (NetworkView::audit_rules).
// What policy has let pass is held against it, all packets of a burst together, as judge asks: so
// for a connection once, and again when its verdict is in question. Where it refuses, the packet is
// counted and told as Outcome::kAudited, and goes on; a flooded one once, if one of those who get
// it would not. Without a policy under audit, nobody calls this.
#pragma once

#include <span>

#include "dataplane/judge.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

// `packets` of `burst`, whose questions are `parties`, and what policy said of those, after it was
// done; the network has an audit classifier. Returns how many keys went to the tries.
unsigned Audit(const Burst& burst, std::span<const OpenPacket> packets,
               std::span<const Parties> parties, std::span<const PolicyAnswer> answers);

// Tells of one packet that passed, and would not have.
void TellAudited(const Burst& burst, const Packet& packet, DropReason refusal, acl::RuleId rule);

}  // namespace sluice::dataplane
