// A way of being refused by policy: what refusals are counted by, and what becomes of them.
#pragma once

#include <cstdint>

#include "acl/rule_ids.h"
#include "dataplane/drop_reason.h"
#include "dataplane/snapshot.h"

namespace sluice::dataplane {

// What became of a packet that policy, or an audit of it, refused.
enum class Outcome : uint8_t {
  kDropped,
  kRejected,  // dropped, by a policy that wants the sender told (reject.h)
  kObserved,  // mode observe: it went on
  kAudited,   // it went on: only with the policies under audit in force it would not (audit.h)
};

// How the sender of a rejected packet is told (answer.h).
enum class AnswerKind : uint8_t {
  kNone,         // the packet is one that nobody may answer
  kReset,        // TCP
  kUnreachable,  // ICMPv4 type 3 code 13, ICMPv6 type 1 code 1
};

struct Denial {
  PortId port = kNoPort;  // the packet entered by
  uint16_t generation = 0;
  DropReason reason = DropReason::kNone;
  Outcome outcome = Outcome::kDropped;
  NetworkId network = 0;
  acl::RuleId rule = acl::kNoRule;  // of the network; kAudited: of its rules with the audited ones
  bool operator==(const Denial&) const = default;
};

}  // namespace sluice::dataplane
