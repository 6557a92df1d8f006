// What happened to a connection, as a worker tells it to whoever watches. Plain values.
#pragma once

#include <array>
#include <cstdint>

#include "acl/address.h"
#include "acl/rule_ids.h"
#include "dataplane/drop_reason.h"
#include "dataplane/snapshot.h"

namespace sluice::dataplane {

enum class EventKind : uint8_t {
  kNew,       // policy let it in, and it has an entry
  kClosed,    // its entry is gone: over, timed out, evicted, cut or its port deleted
  kDenied,    // policy refused the packet
  kRejected,  // policy refused the packet, and wants its sender told
  kObserved,  // mode observe: policy would have
  kAudited,   // with the policies under audit, it would have
  kJudged,    // what it says let it pass
  kAlerted,   // and has a pattern that a rule wants told
};

// One end, with the port slot it is behind; {0, 0}: none of ours.
struct EventEnd {
  acl::IpAddress address;
  uint16_t port = 0;  // ICMP echo: the identifier
  PortId subject = kNoPort;
  uint16_t generation = 0;
  bool operator==(const EventEnd&) const = default;
};

struct ConnectionEvent {
  EventKind kind = EventKind::kNew;
  uint8_t protocol = 0;
  DropReason reason = DropReason::kNone;  // of what was, or would have been, refused
  NetworkId network = 0;
  uint64_t epoch = 0;  // Snapshot::epoch that said so; closed: 0
  EventEnd initiator, responder;
  // Of `network`, that decided; closed: none. Audited: of its rules with the audited ones.
  acl::RuleId egress_rule = acl::kNoRule;
  acl::RuleId ingress_rule = acl::kNoRule;
  // Refused, or nearly: packets of this flow since it was last told. Closed: of both directions.
  uint64_t packets = 1;
  uint64_t bytes = 0;        // closed: of both directions' frames
  uint32_t duration_ms = 0;  // closed: from the first packet to the last
  const char* state = "";    // closed: the last one, a literal
  // Judged or refused by its content: the name that it asks for, or as much of it as fits.
  std::array<char, 64> name = {};
};

}  // namespace sluice::dataplane
