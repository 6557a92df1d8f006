#include "dataplane/judge.h"

#include <netinet/in.h>
#include <rte_branch_prediction.h>

#include "dataplane/audit.h"
#include "dataplane/inspect/begin.h"
#include "dataplane/journal.h"
#include "dataplane/needs_verdict.h"
#include "dataplane/ownership.h"
#include "dataplane/track.h"

namespace sluice::dataplane {
namespace {

using acl::ClassId;
using acl::ClassifyKey;
using acl::Direction;

constexpr unsigned kMaxKeys = 2 * kBurstSize;
constexpr int kNotJudged = -1;

// Which key answers a direction, as an index into the burst's keys; kNotJudged: no subject there.
struct Questions {
  int egress = kNotJudged;
  int ingress = kNotJudged;
};

// One layer of a network, with those of its rules that are asked.
struct AskedLayer {
  Layer layer = kBase;
  const acl::AddressMap& addresses;
  const RulesView& rules;
};

ClassId SubjectClass(const PortView& port, acl::Family family, Layer layer) {
  const LayerClasses& classes = port.classes[layer];
  return family == acl::Family::kIpv4 ? classes.v4 : classes.v6;
}

// A link-local address is whoever's port it is behind; policies do not know it.
ClassId PeerClass(const PortView& port, const acl::IpAddress& address, const AskedLayer& asked) {
  if (!address.IsLinkLocal()) return asked.addresses.Lookup(address);
  return port.subject == SubjectState::kKnown ? SubjectClass(port, address.family, asked.layer)
                                              : acl::kUnknownClass;
}

// Egress is asked about the destination address, so the packet must go to where that address is.
bool IsMisdirected(const Burst& burst, const Packet& packet) {
  const PortView& out = burst.snapshot->ports[packet.out_port];
  if (out.role == PortRole::kHost) return false;  // the node routes
  if (out.role == PortRole::kPod) return out.guard && !Takes(out, packet.dst);
  return burst.network->local_addresses.contains(packet.dst) &&
         !IsRouter(*burst.network, packet.dst_mac);
}

struct KeyList {
  std::array<ClassifyKey, kMaxKeys> keys;
  unsigned count = 0;
  int Add(const Parties& parties, ClassId source, ClassId destination, acl::Directions asked) {
    keys[count] =
        ClassifyKey::Make(parties.protocol, source, destination, parties.destination_port, asked);
    return static_cast<int>(count++);
  }
};

// What comes to a pod from its own node, unlike what the node routes here.
bool IsOwnNode(const Parties& parties) {
  const PortView& from = *parties.from;
  return from.role == PortRole::kHost && from.admits_own && Owns(from, parties.source);
}

bool Judges(const AskedLayer& asked, const PortView& port) {
  return port.subject == SubjectState::kKnown && port.layer == asked.layer;
}

Questions Ask(const Parties& parties, const AskedLayer& asked, KeyList& list) {
  Questions questions;
  const bool egress = Judges(asked, *parties.from);
  const bool ingress = Judges(asked, *parties.to);
  if (!egress && !ingress) return questions;
  const ClassId source = PeerClass(*parties.from, parties.source, asked);
  const ClassId destination = PeerClass(*parties.to, parties.destination, asked);
  const ClassId sender = SubjectClass(*parties.from, parties.source.family, asked.layer);
  const ClassId receiver = SubjectClass(*parties.to, parties.source.family, asked.layer);
  constexpr acl::Directions kEgressOnly = acl::Only(Direction::kEgress);
  constexpr acl::Directions kIngressOnly = acl::Only(Direction::kIngress);
  if (egress && ingress && sender == source && receiver == destination) {
    questions.egress = questions.ingress =
        list.Add(parties, source, destination, acl::kBothDirections);
    return questions;
  }
  if (egress) questions.egress = list.Add(parties, sender, destination, kEgressOnly);
  if (ingress) questions.ingress = list.Add(parties, source, receiver, kIngressOnly);
  return questions;
}

}  // namespace

Parties PartiesOf(const Burst& burst, const Packet& packet) {
  const bool reply =
      packet.connection != nullptr && packet.from_b != packet.connection->initiator_is_b;
  const PortView* out = &burst.snapshot->ports[packet.out_port];
  const bool has_ports = packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP ||
                         packet.protocol == IPPROTO_SCTP;
  if (!has_ports && !reply) return {burst.in, out, packet.src, packet.dst, packet.protocol, 0};
  if (!has_ports) return {out, burst.in, packet.dst, packet.src, packet.protocol, 0};
  if (reply) return {out, burst.in, packet.dst, packet.src, packet.protocol, packet.src_port};
  return {burst.in, out, packet.src, packet.dst, packet.protocol, packet.dst_port};
}

namespace {

// NetworkPolicy does not block a pod's own node, unless the policies that deny it close that too.
void ApplyExemption(const Parties& parties, PolicyAnswer& answer) {
  if (unlikely(IsOwnNode(parties)) && !answer.ingress.decision.own_node) answer.ingress = {};
}

// Asks one layer, and answers for the subjects that it judges.
unsigned AskLayer(const AskedLayer& asked, std::span<const Parties> parties,
                  std::span<PolicyAnswer> answers) {
  std::array<Questions, kBurstSize> questions;
  KeyList list;
  for (size_t i = 0; i < parties.size(); ++i) questions[i] = Ask(parties[i], asked, list);
  if (list.count == 0) return 0;
  const acl::TrieClassifier& classifier = *asked.rules.classifier;
  std::array<uint32_t, kMaxKeys * acl::kMaxCategories> hits;
  classifier.Classify({list.keys.data(), list.count}, hits);

  const unsigned stride = classifier.categories();
  const auto decide = [&](int key, Direction direction, PolicyAnswer::Side& side) {
    if (key == kNotJudged) return;
    const std::span<const uint32_t> answer{hits.data() + static_cast<size_t>(key) * stride, stride};
    side = {acl::Decide(*asked.rules.rules, answer, direction), &asked.rules,
            list.keys[static_cast<size_t>(key)]};
  };
  for (size_t i = 0; i < parties.size(); ++i) {
    decide(questions[i].egress, Direction::kEgress, answers[i].egress);
    decide(questions[i].ingress, Direction::kIngress, answers[i].ingress);
    ApplyExemption(parties[i], answers[i]);
  }
  return list.count;
}

unsigned AskLayers(const NetworkView& network, RulesView PolicyLayer::*rules,
                   std::span<const Parties> parties, std::span<PolicyAnswer> answers) {
  unsigned asked = 0;
  for (PolicyAnswer& answer : answers.first(parties.size())) answer = {};
  for (Layer layer = kBase; layer < kLayers; ++layer) {
    const PolicyLayer& of = network.layers[layer];
    if ((of.*rules).classifier == nullptr) continue;
    asked += AskLayer({layer, *of.addresses, of.*rules}, parties, answers);
  }
  return asked;
}

// What Commit would do, on a connection that nobody sees.
void CommitDry(Burst& burst, const ConnectionTable& table, const PolicyAnswer& answer,
               Packet& packet) {
  if (answer.Inspects()) return MarkForInspection(burst, packet);
  Connection fresh;
  fresh.key = packet.key;
  fresh.initiator_is_b = packet.from_b;
  for (Half& half : fresh.halves) half.Reset(burst.now_ms);
  Connection& connection = packet.connection != nullptr ? *packet.connection : fresh;
  packet.drop = Advance(packet, connection, burst.now_ms, table.tracking(), /*dry_run=*/true);
}

// Enters an allowed packet's connection into the table, or renews the verdict of a stale one.
void Commit(Burst& burst, ConnectionTable& table, unsigned worker, Packet& packet,
            const PolicyAnswer& answer) {
  if (burst.trace != nullptr) return CommitDry(burst, table, answer, packet);
  const uint32_t epoch = burst.snapshot->verdict_epoch;
  if (packet.connection == nullptr) {
    const ConnectionTable::Inserted inserted =
        table.FindOrInsert(worker, packet.key, packet.hash, packet.from_b, epoch, burst.now_ms);
    packet.connection = inserted.connection;
    packet.drop = inserted.refused;
    if (packet.connection == nullptr) return;
    if (unlikely(inserted.created && answer.Inspects())) {
      packet.drop = BeginInspection(answer, packet);
      if (!packet.alive()) {
        table.Remove(worker, packet.connection);
        return;
      }
    }
    if (inserted.created && burst.journal->TellsEvents()) {
      burst.journal->Opened(burst, packet, {answer.egress.Rule(), answer.ingress.Rule()});
    }
  } else {
    packet.connection->verdict_epoch.store(epoch, std::memory_order_relaxed);
    ForgetJudges(answer, *packet.connection);
  }
  if (unlikely(packet.connection->inspection.load(std::memory_order_relaxed) !=
               Inspection::kNone)) {
    MarkForInspection(burst, packet);  // which moves it on
    return;
  }
  packet.drop = Advance(packet, *packet.connection, burst.now_ms, table.tracking());
}

void Note(const Burst& burst, const Parties& parties, const PolicyAnswer& answer) {
  burst.trace->judged = true;
  burst.trace->egress = SideOf(*parties.from, answer.egress);
  burst.trace->ingress = SideOf(*parties.to, answer.ingress);
}

void Settle(Burst& burst, ConnectionTable& table, unsigned worker, Packet& packet,
            const PolicyAnswer& answer) {
  packet.drop = answer.Refusal();
  if (packet.alive() && packet.connection != nullptr && answer.Inspects()) {
    packet.drop = Reinspect(answer, packet);
  }
  if (!packet.alive()) {
    packet.drop = Refuse(burst, packet, packet.drop, answer.RefusingRule(), answer.Rejects());
    packet.reject = !packet.alive() && answer.Rejects();
    burst.has_rejects |= packet.reject;
  }
  if (packet.kind == PacketKind::kUntracked) return;
  if (packet.alive()) {
    Commit(burst, table, worker, packet, answer);
  } else if (packet.connection != nullptr && burst.trace == nullptr) {
    table.Remove(worker, packet.connection);
  }
}

}  // namespace

TraceSide SideOf(const PortView& subject, const PolicyAnswer::Side& answer) {
  return {.judged = subject.subject == SubjectState::kKnown,
          .allow = answer.decision.allow,
          .conditional = answer.decision.conditional,
          .tier = answer.decision.tier,
          .rule = answer.Rule()};
}

acl::RuleId PolicyAnswer::Side::Rule() const {
  if (decision.rule == 0) return acl::kNoRule;
  return rules->rule_ids->Of(rules->rules->rules[decision.rule - 1].source);
}

DropReason PolicyAnswer::Refusal() const {
  if (!egress.decision.allow) return DropReason::kPolicyEgress;
  return ingress.decision.allow ? DropReason::kNone : DropReason::kPolicyIngress;
}

acl::RuleId PolicyAnswer::RefusingRule() const {
  if (!egress.decision.allow) return egress.Rule();
  return ingress.decision.allow ? acl::kNoRule : ingress.Rule();
}

unsigned AskPolicy(const NetworkView& network, std::span<const Parties> parties,
                   std::span<PolicyAnswer> answers) {
  return AskLayers(network, &PolicyLayer::in_force, parties, answers);
}

unsigned AskAudit(const NetworkView& network, std::span<const Parties> parties,
                  std::span<PolicyAnswer> answers) {
  return AskLayers(network, &PolicyLayer::audit, parties, answers);
}

unsigned Judge(Burst& burst, ConnectionTable& table, unsigned worker) {
  if (likely(!burst.has_open)) return 0;
  std::array<OpenPacket, kBurstSize> open;
  std::array<Parties, kBurstSize> parties;
  std::array<PolicyAnswer, kBurstSize> answers;
  unsigned count = 0, questions = 0;
  for (Packet& packet : burst.all()) {
    if (!NeedsVerdict(burst, packet)) continue;
    if (IsMisdirected(burst, packet)) {
      packet.drop = DropReason::kWrongDestination;
      continue;
    }
    parties[questions] = PartiesOf(burst, packet);
    const bool again = questions > 0 && parties[questions] == parties[questions - 1];
    if (!again) ++questions;
    open[count++] = {&packet, questions - 1};
  }
  if (count == 0) return 0;
  unsigned asked = AskPolicy(*burst.network, {parties.data(), questions}, answers);
  if (burst.trace != nullptr) Note(burst, parties[0], answers[0]);
  for (const OpenPacket& one : std::span(open).first(count)) {
    Settle(burst, table, worker, *one.packet, answers[one.question]);
  }
  if (unlikely(burst.network->IsAudited())) {
    asked += Audit(burst, {open.data(), count}, {parties.data(), questions}, answers);
  }
  return asked;
}

}  // namespace sluice::dataplane
