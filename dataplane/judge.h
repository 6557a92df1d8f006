// Fifth stage: what does policy say?
//
// Only for packets that track left open. Addresses become classes, and all questions of a burst go
// to the tries together; what a run of packets asks alike (a flood, many connections to one
// service) is asked once. The subject of a direction is the port, not the address (DESIGN 5.4):
// egress is asked about (subject of in_port, class of destination), ingress about (class of source,
// subject of out_port). When both describe one pair, as they mostly do, one key answers both.
//
// Each subject is judged by its layer (snapshot.h), in the classes of that layer.
//
// For that the address must belong to where the MAC leads: other packets die here as
// kWrongDestination.
//
// What the node itself sends to its pods by the host port is not held against their ingress
// policies (SEMANTICS 11), unless the host port says otherwise.
//
// A connection is always judged by its initiator's key, whoever sent the packet. Allowed: a new one
// is entered into the table, a stale one gets this snapshot's verdict epoch. Denied: the packet
// dies, and so does its connection. What a policy with reject denied is marked for reject.h. Where
// the content of a connection decides, it is let in and marked for inspect/inspector.h.
#pragma once

#include "acl/classifier.h"
#include "dataplane/connection_table.h"
#include "dataplane/packet.h"
#include "dataplane/trace.h"

namespace sluice::dataplane {

// Returns how many keys went to the tries.
unsigned Judge(Burst& burst, ConnectionTable& table, unsigned worker);

// Both directions of one conversation, seen from who starts it.
struct Parties {
  const PortView* from = nullptr;
  const PortView* to = nullptr;
  acl::IpAddress source, destination;
  uint8_t protocol = 0;
  uint16_t destination_port = 0;  // host order; 0 for protocols without ports
  bool operator==(const Parties&) const = default;
};

// One that waits for a verdict.
struct OpenPacket {
  Packet* packet = nullptr;
  unsigned question = 0;  // which of the burst's parties are its
};

// What policy says of them. A direction without a subject here is allowed, by no rule.
struct PolicyAnswer {
  // One direction's, and the rules that were asked; null: none were.
  struct Side {
    acl::Decision decision;
    const RulesView* rules = nullptr;
    acl::ClassifyKey key;  // that was asked

    // What the connection says decides whether it may go on.
    bool Inspects() const {
      return rules != nullptr && rules->content != nullptr && decision.allow &&
             (decision.conditional || rules->content->HasPatterns(decision.rule));
    }

    // Of the rule that decided; kNoRule: none did.
    acl::RuleId Rule() const;
  };
  Side egress, ingress;

  bool Inspects() const { return egress.Inspects() || ingress.Inspects(); }
  // kNone, kPolicyEgress or kPolicyIngress.
  DropReason Refusal() const;
  // The sender is to be told of the refusal.
  bool Rejects() const {
    return egress.decision.allow ? ingress.decision.reject : egress.decision.reject;
  }
  // kNoRule: none refused.
  acl::RuleId RefusingRule() const;
};

// Of a packet whose out_port is known: turned round if it is its connection's responder's.
Parties PartiesOf(const Burst& burst, const Packet& packet);

// One answer for each of the parties, without touching any connection. parties.size() <=
// kBurstSize. Returns how many keys it asked.
unsigned AskPolicy(const NetworkView& network, std::span<const Parties> parties,
                   std::span<PolicyAnswer> answers);

// The same of what would be, with the policies under audit in force, too. Without any, nothing is
// said against anything.
unsigned AskAudit(const NetworkView& network, std::span<const Parties> parties,
                  std::span<PolicyAnswer> answers);

// One direction's answer, for a trace. `subject` is whose direction it is.
TraceSide SideOf(const PortView& subject, const PolicyAnswer::Side& answer);

}  // namespace sluice::dataplane
