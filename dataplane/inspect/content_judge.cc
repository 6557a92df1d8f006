#include "dataplane/inspect/content_judge.h"

#include <netinet/in.h>

#include <algorithm>

#include "dataplane/inspect/head_store.h"

namespace sluice::dataplane {
namespace {

using State = ContentRuling::State;

constexpr unsigned kMaxHeadsAtOnce = 32;
// Sequence numbers cannot say more of what comes behind.
constexpr uint64_t kMaxBody = uint64_t{1} << 30;

// The rule that asks for content, where it cannot be told which one would decide.
acl::RuleId AskingRule(const PolicyAnswer& answer) {
  return answer.egress.Inspects() ? answer.egress.Rule() : answer.ingress.Rule();
}

ContentRuling Dies(DropReason reason, acl::RuleId rule, bool reject = false) {
  return {.state = State::kDie, .reason = reason, .rule = rule, .reject = reject};
}

ContentRuling Refused(const PolicyAnswer& answer) {
  return Dies(answer.Refusal(), answer.RefusingRule(), answer.Rejects());
}

// Writes which rules judged the connection's content; null: it is a dry run's.
void NoteJudges(const PolicyAnswer& open, const PolicyAnswer& answer, Connection* connection) {
  if (connection == nullptr) return;
  const auto note = [](const PolicyAnswer::Side& asked, const PolicyAnswer::Side& side,
                       acl::Direction direction, Half& half) {
    if (!asked.Inspects()) return;
    half.judged_by.store(
        asked.rules->content->Fingerprint(asked.key, direction, side.decision.rule),
        std::memory_order_relaxed);
  };
  const bool b = connection->initiator_is_b;
  note(open.egress, answer.egress, acl::Direction::kEgress, connection->Sent(b));
  note(open.ingress, answer.ingress, acl::Direction::kIngress, connection->Sent(!b));
}

PolicyAnswer Resolve(const PolicyAnswer& open, const acl::StreamFacts& facts) {
  PolicyAnswer answer = open;
  const auto resolve = [&](PolicyAnswer::Side& side, acl::Direction direction) {
    if (!side.decision.conditional) return;
    side.decision = side.rules->content->Resolve(side.key, direction, side.decision, facts);
  };
  resolve(answer.egress, acl::Direction::kEgress);
  resolve(answer.ingress, acl::Direction::kIngress);
  return answer;
}

DecidingRules RulesOf(const PolicyAnswer& answer) {
  return {answer.egress.Rule(), answer.ingress.Rule()};
}

std::string_view NameIn(const acl::StreamFacts& facts) {
  switch (facts.kind) {
    case acl::StreamFacts::Kind::kTls:
      return facts.server_name;
    case acl::StreamFacts::Kind::kDns:
      return facts.question;
    default:
      return facts.host;
  }
}

}  // namespace

ContentRuling ContentJudge::Judge(Burst& burst, const Packet& packet,
                                  std::span<const uint8_t> stream) {
  const Parties parties = PartiesOf(burst, packet);
  PolicyAnswer open;
  AskPolicy(*burst.network, {&parties, 1}, {&open, 1});
  if (open.Refusal() != DropReason::kNone) return Refused(open);
  Connection* connection = burst.trace == nullptr ? packet.connection : nullptr;
  if (!open.Inspects()) {
    return {.state = State::kPass, .judged = stream.size(), .rules = RulesOf(open)};
  }
  if (open.egress.decision.conditional || open.ingress.decision.conditional) {
    if (packet.protocol != IPPROTO_TCP) {
      return JudgeHead(burst, connection, open, reader_.ReadDatagram(stream), stream);
    }
    const bool after_hello =
        connection != nullptr &&
        connection->inspection.load(std::memory_order_relaxed) == Inspection::kHello;
    return JudgeHeads(burst, connection, open, stream, after_hello);
  }
  ContentRuling ruling = LookThrough(open, stream);
  if (ruling.state == State::kDie) return ruling;
  NoteJudges(open, open, connection);
  ruling.scans = ruling.open = stream.size() < kSmallHead;
  return ruling;
}

// One request behind the other, or what follows a hello, as far as they are here.
ContentRuling ContentJudge::JudgeHeads(Burst& burst, Connection* connection,
                                       const PolicyAnswer& open, std::span<const uint8_t> stream,
                                       bool after_hello) {
  uint64_t judged = 0;
  for (unsigned heads = 0; judged < stream.size(); ++heads) {
    if (heads == kMaxHeadsAtOnce) return Dies(DropReason::kInspectBound, AskingRule(open));
    const std::span<const uint8_t> rest = stream.subspan(judged);
    const HeadReading reading = after_hello ? reader_.ReadAfterHello(rest) : reader_.Read(rest);
    const bool over = after_hello && reading.state == HeadReading::State::kKnown &&
                      reading.facts.kind == acl::StreamFacts::Kind::kOther;
    if (over) return {.state = State::kPass, .judged = stream.size(), .rules = RulesOf(open)};
    ContentRuling ruling = JudgeHead(burst, connection, open, reading, rest);
    if (ruling.state != State::kPass) return ruling;
    judged += ruling.judged;
    if (!ruling.open || ruling.scans || judged >= stream.size()) {
      ruling.judged = judged;
      return ruling;
    }
    after_hello = ruling.hello;
  }
  return {};
}

ContentRuling ContentJudge::JudgeHead(Burst& burst, Connection* connection,
                                      const PolicyAnswer& open, const HeadReading& reading,
                                      std::span<const uint8_t> stream) {
  if (reading.state == HeadReading::State::kMore) {
    const bool full = stream.size() >= HeadReader::kMaxHead;
    return full ? Dies(DropReason::kInspectBound, AskingRule(open)) : ContentRuling{};
  }
  if (reading.state == HeadReading::State::kMalformed) {
    return Dies(DropReason::kInspectMalformed, AskingRule(open));
  }
  burst.said = NameIn(reading.facts);
  const PolicyAnswer answer = Resolve(open, reading.facts);
  if (answer.Refusal() != DropReason::kNone) return Refused(answer);
  if (reading.body > kMaxBody) return Dies(DropReason::kInspectBound, AskingRule(open));
  const bool neither = reading.facts.kind == acl::StreamFacts::Kind::kOther;
  ContentRuling ruling = LookThrough(answer, neither ? stream : stream.first(reading.length));
  if (ruling.state == State::kDie) return ruling;
  NoteJudges(open, answer, connection);
  ruling.judged = neither ? stream.size() : reading.length + reading.body;
  ruling.open = reading.next != HeadReading::Next::kNothing;
  ruling.hello = reading.next == HeadReading::Next::kAfterHello;
  if (neither && answer.Inspects()) ruling.scans = ruling.open = stream.size() < kSmallHead;
  return ruling;
}

// By the patterns of the rules that decided.
ContentRuling ContentJudge::LookThrough(const PolicyAnswer& answer,
                                        std::span<const uint8_t> bytes) const {
  ContentRuling ruling{.state = State::kPass, .judged = bytes.size(), .rules = RulesOf(answer)};
  for (const PolicyAnswer::Side* side : {&answer.egress, &answer.ingress}) {
    if (!side->Inspects()) continue;
    const acl::PatternRuling found =
        side->rules->content->Scan(side->decision.rule, bytes, worker_);
    if (found.deny) return Dies(DropReason::kInspectPattern, side->Rule());
    if (found.alert) ruling.alert = side->Rule();
  }
  return ruling;
}

}  // namespace sluice::dataplane
