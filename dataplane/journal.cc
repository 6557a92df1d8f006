#include "dataplane/journal.h"

#include "dataplane/trace.h"

namespace sluice::dataplane {
namespace {

EventKind KindOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDropped:
      return EventKind::kDenied;
    case Outcome::kRejected:
      return EventKind::kRejected;
    case Outcome::kObserved:
      return EventKind::kObserved;
    case Outcome::kAudited:
      break;
  }
  return EventKind::kAudited;
}

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e37'79b9'7f4a'7c15;
  return hash ^ (hash >> 29);
}

uint64_t Mix(uint64_t hash, const EventEnd& end) {
  uint64_t halves[2];
  static_assert(sizeof(end.address.bytes) == sizeof(halves));
  std::memcpy(halves, end.address.bytes.data(), sizeof(halves));
  hash = Mix(Mix(hash, halves[0]), halves[1]);
  return Mix(hash, uint64_t{end.port} << 32 | uint64_t{end.subject} << 16 | end.generation);
}

uint64_t FlowOf(const ConnectionEvent& event) {
  const uint64_t what = uint64_t{event.protocol} << 16 | static_cast<uint64_t>(event.kind) << 8 |
                        static_cast<uint64_t>(event.reason);
  return Mix(Mix(Mix(1, what), event.initiator), event.responder);
}

EventEnd EndOf(const acl::IpAddress& address, uint16_t number, const PortView& port, PortId id) {
  EventEnd end{address, number};
  if (port.subject == SubjectState::kNone) return end;
  end.subject = id;
  end.generation = port.generation;
  return end;
}

EventEnd EndOf(const ConnectionKey& key, const ConnectionEnd& end) {
  return {acl::IpAddress::FromBytes(static_cast<acl::Family>(key.family), end.address), end.port,
          end.subject.port, end.subject.generation};
}

// Of the packet's connection; the packet may be its responder's.
ConnectionEvent EventOf(const Burst& burst, const Packet& packet, EventKind kind) {
  ConnectionEvent event;
  event.kind = kind;
  event.protocol = packet.protocol;
  event.network = burst.network_id;
  event.epoch = burst.snapshot->epoch;
  event.initiator = EndOf(packet.src, packet.src_port, *burst.in, burst.in_port);
  event.responder =
      EndOf(packet.dst, packet.dst_port, burst.snapshot->ports[packet.out_port], packet.out_port);
  const bool reply =
      packet.connection != nullptr && packet.from_b != packet.connection->initiator_is_b;
  if (reply) std::swap(event.initiator, event.responder);
  burst.said.copy(event.name.data(), event.name.size() - 1);
  return event;
}

}  // namespace

void Journal::Refused(const Burst& burst, const Packet& packet, DropReason reason, acl::RuleId rule,
                      Outcome outcome) {
  denials_.Add({burst.in_port, burst.in->generation, reason, outcome, burst.network_id, rule},
               burst.snapshot->ports);
  if (!TellsEvents()) return;
  ConnectionEvent event = EventOf(burst, packet, KindOf(outcome));
  event.reason = reason;
  (reason == DropReason::kPolicyEgress ? event.egress_rule : event.ingress_rule) = rule;
  denial_events_.Add(FlowOf(event), event, burst.now_ms, events_);
}

void Journal::Opened(const Burst& burst, const Packet& packet, const DecidingRules& rules) {
  ConnectionEvent event = EventOf(burst, packet, EventKind::kNew);
  event.egress_rule = rules.egress;
  event.ingress_rule = rules.ingress;
  events_.Push(event);
}

void Journal::Judged(const Burst& burst, const Packet& packet, EventKind kind,
                     const DecidingRules& rules) {
  if (!TellsEvents()) return;
  ConnectionEvent event = EventOf(burst, packet, kind);
  event.egress_rule = rules.egress;
  event.ingress_rule = rules.ingress;
  events_.Push(event);
}

void Journal::Closed(const Connection& connection) {
  if (!TellsEvents()) return;
  ConnectionEvent event;
  event.kind = EventKind::kClosed;
  event.protocol = connection.key.protocol;
  event.network = connection.key.network;
  event.initiator = EndOf(connection.key, connection.Initiator());
  event.responder = EndOf(connection.key, connection.Responder());
  event.packets = PacketsOf(connection);
  event.bytes = BytesOf(connection);
  event.duration_ms = DurationMs(connection);
  event.state = ConnectionStateName(StateOf(connection));
  events_.Push(event);
}

DropReason Refuse(const Burst& burst, const Packet& packet, DropReason reason, acl::RuleId rule,
                  bool reject) {
  const bool observed = burst.snapshot->mode == Mode::kObserve;
  if (burst.trace != nullptr) {
    if (observed) burst.trace->would_drop = reason;
    burst.trace->rejected = reject && !observed;
  } else if (observed || rule != acl::kNoRule) {  // the sink counts the rest
    const Outcome refused = reject ? Outcome::kRejected : Outcome::kDropped;
    burst.journal->Refused(burst, packet, reason, rule, observed ? Outcome::kObserved : refused);
  }
  return observed ? DropReason::kNone : reason;
}

}  // namespace sluice::dataplane
