// What policy says of octets that a connection's initiator sent.
#pragma once

#include <span>

#include "dataplane/inspect/head_reader.h"
#include "dataplane/journal.h"
#include "dataplane/judge.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

struct ContentRuling {
  enum class State : uint8_t { kMore, kPass, kDie };
  State state = State::kMore;
  // kPass
  uint64_t judged = 0;  // octets that pass; what comes behind them may be more than was given
  bool open = false;    // what comes behind them is to be judged, too
  bool scans = false;   // together with them
  bool hello = false;   // they are a ClientHello's
  acl::RuleId alert = acl::kNoRule;  // of a rule that wants a pattern told that is in them
  DecidingRules rules;
  // kDie
  DropReason reason = DropReason::kNone;
  acl::RuleId rule = acl::kNoRule;
  bool reject = false;
};

class ContentJudge {
 public:
  // `worker`: the caller's index.
  explicit ContentJudge(unsigned worker) : worker_(worker) {}

  // `stream` begins where something is to be judged that the initiator of the packet's connection
  // says. Notes in the connection which rules let it pass, and in burst.said by which name.
  ContentRuling Judge(Burst& burst, const Packet& packet, std::span<const uint8_t> stream);

 private:
  ContentRuling JudgeHeads(Burst& burst, Connection* connection, const PolicyAnswer& open,
                           std::span<const uint8_t> stream, bool after_hello);
  ContentRuling JudgeHead(Burst& burst, Connection* connection, const PolicyAnswer& open,
                          const HeadReading& reading, std::span<const uint8_t> stream);
  ContentRuling LookThrough(const PolicyAnswer& answer, std::span<const uint8_t> bytes) const;

  const unsigned worker_;
  HeadReader reader_;
};

}  // namespace sluice::dataplane
