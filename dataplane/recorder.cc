#include "dataplane/recorder.h"

#include <rte_cycles.h>

#include "dataplane/judge.h"
#include "dataplane/parse.h"

namespace sluice::dataplane {
namespace {

constexpr uint32_t kUnrecorded = 0;

// A buffer on its way out bears the number of its record, in a word that is only for the receive
// side of devices; its copies and pieces do, too.
void SetNumber(rte_mbuf& mbuf, uint32_t number) { mbuf.hash.fdir.hi = number; }
uint32_t NumberOf(const rte_mbuf& mbuf) { return mbuf.hash.fdir.hi; }

bool IsPolicys(DropReason drop) {
  return drop == DropReason::kPolicyEgress || drop == DropReason::kPolicyIngress;
}

// Whether policy has anything to say of it. A dead later fragment never learned its ports.
bool IsJudged(const Packet& packet) {
  const bool kind = packet.kind == PacketKind::kTracked || packet.kind == PacketKind::kUntracked;
  if (!kind || packet.flood || packet.out_port == kNoPort) return false;
  return packet.alive() || (IsPolicys(packet.drop) && !packet.fragment.later());
}

// Asked again, and not remembered by judge: connections do not know their rules, and packets that
// nobody captures pay nothing.
void NotePolicy(const Burst& burst, const Packet& packet, CapturedPacket& record) {
  if (!IsJudged(packet)) return;
  const Parties parties = PartiesOf(burst, packet);
  PolicyAnswer answer;
  AskPolicy(*burst.network, {&parties, 1}, {&answer, 1});
  record.judged = true;
  record.egress = SideOf(*parties.from, answer.egress);
  record.ingress = SideOf(*parties.to, answer.ingress);
  if (packet.alive() && burst.snapshot->mode == Mode::kObserve) {
    record.would_drop = answer.Refusal();
  }
}

void NoteConnection(const Packet& packet, CapturedPacket& record) {
  if (!packet.alive() || packet.connection == nullptr) return;
  record.related = packet.kind == PacketKind::kIcmpError;
  record.state = ConnectionStateName(StateOf(*packet.connection));
  record.reply = packet.from_b != packet.connection->initiator_is_b;
}

}  // namespace

PacketWay Recorder::WayOf(const Burst& burst, const Packet& packet, const Note& note) const {
  const PortId out = note.reached ? filter_.port : packet.flood ? kNoPort : packet.out_port;
  return PacketWay::Of(*burst.snapshot, burst.in_port, out);
}

void Recorder::Try(const Burst& burst, const Packet& packet, Note& note) {
  const PacketWay way = WayOf(burst, packet, note);
  if (!Enters(filter_, way) && !Leaves(filter_, way)) return;
  if (!IsOfFlow(filter_, packet)) return;
  note.tried = true;
  note.record = Copy(way, *packet.mbuf);
}

CapturedPacket* Recorder::Copy(const PacketWay& way, const rte_mbuf& mbuf) {
  const uint32_t captured = std::min(mbuf.pkt_len, snaplen_);
  const bool outbound = !Enters(filter_, way);
  CapturedPacket* record = ring_.Reserve(captured);
  if (record == nullptr) {
    lost_[outbound ? way.out_port : way.in_port].Add(1);
    return nullptr;
  }
  uint8_t* bytes = CaptureRing::BytesOf(record);
  const void* found = rte_pktmbuf_read(&mbuf, 0, captured, bytes);
  if (found != bytes) std::memcpy(bytes, found, captured);
  record->ticks = ticks_;
  record->number = ++number_;
  record->length = mbuf.pkt_len;
  record->captured = captured;
  record->outbound = outbound;
  record->in_port = way.in_port;
  record->in_generation = way.in_generation;
  record->out_port = way.out_port;
  record->out_generation = way.out_generation;
  return record;
}

void Recorder::Keep(const Burst& burst) {
  if (filter_.dropped) return;
  ticks_ = rte_rdtsc();
  for (unsigned i = 0; i < burst.count; ++i) {
    const Packet& packet = burst.packets[i];
    if (!packet.alive() || packet.flood) continue;
    Try(burst, packet, notes_[i]);
    const CapturedPacket* record = notes_[i].record;
    SetNumber(*packet.mbuf, record == nullptr ? kUnrecorded : record->number);
  }
}

void Recorder::KeepRejected(const Burst& burst, const Packet& packet) {
  ticks_ = rte_rdtsc();
  if (HasFate(filter_, packet.drop)) Try(burst, packet, NoteOf(burst, packet));
  SetNumber(*packet.mbuf, kUnrecorded);  // the answer
}

void Recorder::Reached(const Burst& burst, const Packet& packet, PortId port) {
  Note& note = NoteOf(burst, packet);
  SetNumber(*packet.mbuf, kUnrecorded);
  ++note.copies;
  const uint16_t generation = burst.snapshot->ports[port].generation;
  note.reached |= port == filter_.port && generation == filter_.generation;
}

void Recorder::Settle(const Burst& burst) {
  ticks_ = rte_rdtsc();
  for (unsigned i = 0; i < burst.count; ++i) {
    const Packet& packet = burst.packets[i];
    Note& note = notes_[i];
    if (!note.tried && packet.mbuf != nullptr && HasFate(filter_, packet.drop)) {
      Try(burst, packet, note);
    }
    if (note.record != nullptr) Finish(burst, packet, note);
    note = {};
  }
}

void Recorder::Finish(const Burst& burst, const Packet& packet, const Note& note) {
  CapturedPacket& record = *note.record;
  record.epoch = burst.snapshot->epoch;
  record.network = burst.network_id;
  record.drop = packet.drop;
  record.answered = !packet.alive() && packet.mbuf == nullptr;
  record.flood = packet.alive() && packet.flood;
  record.copies = note.copies;
  NoteConnection(packet, record);
  NotePolicy(burst, packet, record);
}

void Recorder::Lost(const PacketWay& way, rte_mbuf* mbuf, DropReason reason) {
  if (filter_.dropped) return CopyLost(way, mbuf, reason);
  const uint32_t number = NumberOf(*mbuf);
  if (number == kUnrecorded) return;
  CapturedPacket* record =
      ring_.FindUnpublished([&](const CapturedPacket& kept) { return kept.number == number; });
  if (record != nullptr) record->drop = reason;
}

// Who asks for the dead alone has not seen it yet.
void Recorder::CopyLost(const PacketWay& way, rte_mbuf* mbuf, DropReason reason) {
  if (!HasFate(filter_, reason) || (!Enters(filter_, way) && !Leaves(filter_, way))) return;
  Packet packet;
  packet.mbuf = mbuf;
  ParsePacket(packet);
  if (!IsOfFlow(filter_, packet)) return;
  ticks_ = rte_rdtsc();
  CapturedPacket* record = Copy(way, *mbuf);
  if (record != nullptr) record->drop = reason;
}

}  // namespace sluice::dataplane
