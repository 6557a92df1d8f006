#include "dataplane/inspect/inspector.h"

#include <netinet/in.h>
#include <rte_branch_prediction.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <algorithm>

#include "dataplane/journal.h"
#include "dataplane/tcp_window.h"
#include "dataplane/track.h"

namespace sluice::dataplane {
namespace {

constexpr size_t kMaxPayload = 0x10000;
constexpr unsigned kTidiedALoop = 8;
constexpr unsigned kTidiedForRoom = 16;

int32_t Ahead(uint32_t sequence, uint32_t of) { return static_cast<int32_t>(sequence - of); }

bool IsInitiators(const Packet& packet) {
  return packet.from_b == packet.connection->initiator_is_b;
}

uint32_t NextHead(Connection& connection) {
  return connection.next_head().load(std::memory_order_relaxed);
}

Inspection StateIn(const Connection& connection) {
  return connection.inspection.load(std::memory_order_relaxed);
}

bool IsToBeJudged(const Connection& connection) {
  const Inspection state = StateIn(connection);
  return state == Inspection::kFirst || state == Inspection::kHead || state == Inspection::kHello;
}

bool HasAcknowledged(const Connection& connection, uint32_t sequence) {
  const TcpSide peer = LoadSide(connection.Sent(!connection.initiator_is_b));
  return peer.Has(TcpSide::kAcked) && Ahead(peer.max_ack, sequence) >= 0;
}

uint32_t PayloadOffset(const Packet& packet) {
  if (packet.protocol == IPPROTO_UDP) return packet.l4_offset + uint32_t{sizeof(rte_udp_hdr)};
  if (packet.protocol != IPPROTO_TCP) return packet.l4_offset;
  const auto* tcp = rte_pktmbuf_mtod_offset(packet.mbuf, const rte_tcp_hdr*, packet.l4_offset);
  return packet.l4_offset + (uint32_t{tcp->data_off} >> 4) * 4;
}

// A SYN that nobody has answered yet says anew where the stream begins.
void Restart(const Packet& packet) {
  Connection& connection = *packet.connection;
  const bool answered =
      connection.Sent(!connection.initiator_is_b).state.load(std::memory_order_relaxed) !=
      HalfState::kIdle;
  if (!packet.alive() || !IsInitiators(packet) || answered) return;
  const Half& half = connection.Sent(connection.initiator_is_b);
  connection.next_head().store(half.syn_end.load(std::memory_order_relaxed),
                               std::memory_order_relaxed);
}

// What cannot be judged where it comes.
DropReason OutOfTurn(const Packet& packet) {
  const Connection& connection = *packet.connection;
  if (!connection.IsLive()) return DropReason::kInspectLate;  // one before it in the burst ended it
  if (packet.fragment.present()) return DropReason::kInspectFragment;
  if (packet.protocol != IPPROTO_TCP || packet.tcp.payload == 0) return DropReason::kNone;
  // Whether urgent octets are read in the stream or beside it is up to the receiver (RFC 6093).
  const bool urgent = (packet.tcp_flags & RTE_TCP_URG_FLAG) != 0;
  if (urgent && IsInitiators(packet)) return DropReason::kInspectMalformed;
  const bool early = IsInitiators(packet) ? (packet.tcp_flags & kTcpSyn) != 0
                                          : StateIn(connection) == Inspection::kFirst;
  return early ? DropReason::kInspectEarly : DropReason::kNone;
}

bool HasUnjudged(const HeadSlot& slot) {
  return slot.held_count > 0 || slot.head.length() > slot.judged || slot.head.HasGap();
}

}  // namespace

Inspector::Inspector(unsigned worker, const InspectConfig& config, ConnectionTable* connections,
                     Tally* tally)
    : worker_(worker),
      config_(config),
      connections_(connections),
      tally_(tally),
      judge_(worker),
      heads_(config.heads),
      flat_(new uint8_t[kMaxPayload]) {}

void Inspector::Inspect(Burst& burst) {
  if (likely(!burst.has_content)) return;
  unsigned kept = 0;
  for (unsigned i = 0; i < burst.count; ++i) {
    Packet& packet = burst.packets[i];
    if (packet.alive() && packet.inspect && !InspectOne(burst, packet)) continue;
    if (kept != i) burst.packets[kept] = packet;
    ++kept;
  }
  burst.count = kept;
}

bool Inspector::InspectOne(Burst& burst, Packet& packet) {
  burst.said = {};
  if (burst.trace != nullptr) {
    Foretell(burst, packet);
    return true;
  }
  packet.drop = OutOfTurn(packet);
  if (!packet.alive()) return true;
  if (packet.protocol == IPPROTO_TCP && packet.tcp.payload > 0 && IsInitiators(packet)) {
    return InspectStream(burst, packet);
  }
  if (packet.protocol != IPPROTO_TCP) {
    InspectDatagram(burst, packet);
    return true;
  }
  MoveOn(burst, packet);
  if ((packet.tcp_flags & kTcpSyn) != 0) Restart(packet);
  // It acknowledges an answer: then the receiver has most often acknowledged what was judged.
  HeadSlot* slot = IsInitiators(packet) ? SlotOf(*packet.connection) : nullptr;
  if (slot != nullptr && IsDone(*slot)) Finish(*slot);
  return true;
}

// What would be, were it the next thing that the initiator says.
void Inspector::Foretell(Burst& burst, Packet& packet) {
  const Connection* connection = packet.connection;
  packet.drop = connection == nullptr ? DropReason::kNone : OutOfTurn(packet);
  if (!packet.alive()) return;
  const bool initiators = connection == nullptr || IsInitiators(packet);
  const bool judged = connection == nullptr || IsToBeJudged(*connection);
  const std::span<const uint8_t> payload = PayloadOf(packet);
  if (initiators && judged && !payload.empty()) {
    const ContentRuling ruling = judge_.Judge(burst, packet, payload);
    burst.trace->inspected = true;
    burst.said.copy(burst.trace->name.data(), burst.trace->name.size() - 1);
    if (ruling.state == ContentRuling::State::kDie) {
      packet.drop = Refuse(burst, packet, ruling.reason, ruling.rule, ruling.reject);
      return;
    }
  }
  if (connection != nullptr) MoveOn(burst, packet);
}

bool Inspector::InspectStream(Burst& burst, Packet& packet) {
  Connection& connection = *packet.connection;
  packet.drop = Advance(packet, connection, burst.now_ms, connections_->tracking(), true);
  if (!packet.alive()) return true;
  const std::span<const uint8_t> payload = PayloadOf(packet);
  HeadSlot* slot = SlotOf(connection);
  if (slot != nullptr && !slot->head.Agrees(packet.tcp.seq, payload)) {
    packet.drop = DropReason::kInspectOverlap;
    return true;
  }
  const uint32_t end = packet.tcp.seq + static_cast<uint32_t>(payload.size());
  if (IsToBeJudged(connection) && Ahead(end, NextHead(connection)) > 0) {
    return JudgeNew(burst, packet, payload);
  }
  if (slot != nullptr && IsDone(*slot)) {
    Finish(*slot);
  } else if (slot == nullptr && !IsToBeJudged(connection)) {
    // Another worker had the port when it was judged.
    connection.inspection.store(Inspection::kNone, std::memory_order_relaxed);
  }
  MoveOn(burst, packet);
  return true;
}

// Something of the packet is to be judged.
bool Inspector::JudgeNew(Burst& burst, Packet& packet, std::span<const uint8_t> payload) {
  HeadSlot* slot = SlotFor(burst, packet, payload.size());
  if (slot == nullptr) {
    packet.drop = DropReason::kInspectFull;
    return true;
  }
  if (slot->head.Take(packet.tcp.seq, payload) != StreamHead::Outcome::kTaken) {
    packet.drop = DropReason::kInspectBound;  // scattered: it was asked whether it differs
    return true;
  }
  return JudgeKept(burst, packet, *slot);
}

// With room for the packet, or as much as is ever kept. Null: there is none.
HeadSlot* Inspector::SlotFor(const Burst& burst, const Packet& packet, size_t octets) {
  Connection& connection = *packet.connection;
  const uint32_t next = NextHead(connection);
  HeadSlot* slot = SlotOf(connection);
  if (slot != nullptr && IsDone(*slot)) {
    Finish(*slot);
    slot = nullptr;
  }
  if (slot != nullptr) {
    if (slot->scans) return slot;  // what is behind its end is not looked through
    // A body that is not kept lies between.
    if (slot->judged > slot->head.length()) return nullptr;
    const uint64_t room = slot->head.EndOf(packet.tcp.seq, octets);
    // Until the receiver has acknowledged what was judged before it.
    if (slot->judged > 0 && room > HeadReader::kMaxHead) return nullptr;
    return heads_.Grow(*slot, room) ? slot : nullptr;
  }
  const int64_t end = Ahead(packet.tcp.seq, next) + static_cast<int64_t>(octets);
  const PortId charged = connection.ChargedPort();
  const HeadOwner owner{burst.in_port, charged != kNoPort ? charged : burst.in_port};
  slot = heads_.Open(connection, owner, next, static_cast<uint64_t>(end), burst.now_ms);
  if (slot != nullptr) return slot;
  heads_.Sweep(kTidiedForRoom, [&](HeadSlot& old) { Tidy(old, burst.now_ms); });
  return heads_.Open(connection, owner, next, static_cast<uint64_t>(end), burst.now_ms);
}

bool Inspector::JudgeKept(Burst& burst, Packet& packet, HeadSlot& slot) {
  const std::span<const uint8_t> bytes = slot.head.bytes();
  if (bytes.size() <= slot.judged) return Hold(burst, packet, slot);
  const uint32_t from = slot.scans ? 0 : slot.judged;
  ContentRuling ruling = judge_.Judge(burst, packet, bytes.subspan(from));
  const bool full = bytes.size() == HeadReader::kMaxHead;
  if (ruling.state == ContentRuling::State::kMore && full) {
    ruling = {.state = ContentRuling::State::kDie, .reason = DropReason::kInspectBound};
  }
  if (ruling.state == ContentRuling::State::kMore) return Hold(burst, packet, slot);
  if (ruling.state == ContentRuling::State::kDie) {
    if (Die(burst, packet, ruling)) {
      Abandon(slot, packet.drop);
      return true;
    }
    ruling.judged = bytes.size() - from;  // and nothing behind it is judged any more
  }
  ruling.judged += from;
  if (from == slot.judged || ruling.alert != acl::kNoRule)
    Tell(burst, packet, ruling, slot.alerted);
  return Pass(burst, packet, slot, ruling);
}

bool Inspector::Pass(const Burst& burst, Packet& packet, HeadSlot& slot,
                     const ContentRuling& ruling) {
  Connection& connection = *packet.connection;
  slot.judged = static_cast<uint32_t>(ruling.judged);
  slot.scans = ruling.scans;
  slot.since_ms = burst.now_ms;
  connection.next_head().store(slot.head.first() + slot.judged, std::memory_order_relaxed);
  connection.inspection.store(!ruling.open   ? Inspection::kGuard
                              : ruling.hello ? Inspection::kHello
                                             : Inspection::kHead,
                              std::memory_order_relaxed);
  const uint32_t end = packet.tcp.seq + packet.tcp.payload;
  if (ruling.open && !ruling.scans && Ahead(end, NextHead(connection)) > 0) {
    packet.drop = DropReason::kInspectBound;  // its end is behind what is kept, and was not judged
    return true;
  }
  if (slot.held_count == 0) {
    MoveOn(burst, packet);
    return true;
  }
  const auto ready = std::span(ready_).first(ready_count_);
  if (std::ranges::count(ready, &slot) == 0) ready_[ready_count_++] = &slot;
  return Hold(burst, packet, slot);
}

// To be sent with those that came before it.
bool Inspector::Hold(const Burst& burst, Packet& packet, HeadSlot& slot) {
  if (slot.held_count == kMaxHeldPackets) {
    packet.drop = DropReason::kInspectBound;
    return true;
  }
  // What it says is kept; when it is sent again, there may be room for it to wait.
  if (held_[slot.port] >= config_.held_of_port || held_by_all_ >= config_.held_by_all) {
    packet.drop = DropReason::kInspectFull;
    return true;
  }
  ++held_[slot.port];
  ++held_by_all_;
  if (slot.held_count == 0) slot.since_ms = burst.now_ms;
  slot.held[slot.held_count++] = packet.mbuf;
  return false;
}

bool Inspector::Die(Burst& burst, Packet& packet, const ContentRuling& ruling) {
  packet.drop = Refuse(burst, packet, ruling.reason, ruling.rule, ruling.reject);
  if (packet.alive()) return false;
  packet.reject = ruling.reject;
  burst.has_rejects |= ruling.reject;
  // Answers to a datagram that passed are on their way: one of them must not begin a connection, in
  // which what comes after this one would be an answer.
  const bool awaits = packet.protocol != IPPROTO_TCP && packet.connection->WasJudged();
  if (!awaits) connections_->Remove(worker_, packet.connection);
  return true;
}

// That it passed by a name; once, that it has a pattern.
void Inspector::Tell(const Burst& burst, const Packet& packet, const ContentRuling& ruling,
                     bool& alerted) const {
  const bool alert = ruling.alert != acl::kNoRule;
  if (alert ? alerted : burst.said.empty()) return;
  alerted = alerted || alert;
  burst.journal->Judged(burst, packet, alert ? EventKind::kAlerted : EventKind::kJudged,
                        ruling.rules);
}

// A datagram says all that it says by itself.
void Inspector::InspectDatagram(Burst& burst, Packet& packet) {
  if (IsInitiators(packet)) {
    const ContentRuling ruling = judge_.Judge(burst, packet, PayloadOf(packet));
    if (ruling.state == ContentRuling::State::kDie && Die(burst, packet, ruling)) return;
    bool alerted = false;
    Tell(burst, packet, ruling, alerted);
  }
  MoveOn(burst, packet);
}

void Inspector::MoveOn(const Burst& burst, Packet& packet) {
  packet.drop = Advance(packet, *packet.connection, burst.now_ms, connections_->tracking(),
                        burst.trace != nullptr);
}

std::span<rte_mbuf*> Inspector::Release() {
  unsigned count = 0;
  while (ready_count_ > 0 && count < kBurstSize) {
    HeadSlot& slot = *ready_[ready_count_ - 1];
    const unsigned taken = std::min<unsigned>(slot.held_count, kBurstSize - count);
    std::copy_n(slot.held.begin(), taken, released_.begin() + count);
    std::copy(slot.held.begin() + taken, slot.held.begin() + slot.held_count, slot.held.begin());
    LetGo(slot, taken);
    count += taken;
    if (slot.held_count == 0) --ready_count_;
  }
  return {released_.data(), count};
}

void Inspector::LetGo(HeadSlot& slot, unsigned packets) {
  slot.held_count = static_cast<uint8_t>(slot.held_count - packets);
  held_[slot.port] = static_cast<uint16_t>(held_[slot.port] - packets);
  held_by_all_ -= packets;
}

void Inspector::Age(uint32_t now_ms) {
  if (heads_.used() == 0) return;
  heads_.Sweep(kTidiedALoop, [&](HeadSlot& slot) { Tidy(slot, now_ms); });
}

void Inspector::Tidy(HeadSlot& slot, uint32_t now_ms) {
  Connection& connection = *slot.connection;
  if (!slot.IsOf(connection)) return Abandon(slot, DropReason::kInspectTimeout);
  if (IsDone(slot)) return Finish(slot);
  // Nor is what was judged waited for any longer than that: who says it again may say otherwise.
  if (slot.scans || now_ms - slot.since_ms < config_.timeout_ms) return;
  Abandon(slot, DropReason::kInspectTimeout);
  connections_->Remove(worker_, &connection);
}

// Null: there is none.
HeadSlot* Inspector::SlotOf(Connection& connection) {
  HeadSlot* slot = heads_.Find(connection);
  if (slot == nullptr || slot->IsOf(connection)) return slot;
  Abandon(*slot, DropReason::kInspectTimeout);  // the entry was another connection's
  return nullptr;
}

// Nothing waits, and the receiver has all that was judged here.
bool Inspector::IsDone(const HeadSlot& slot) const {
  if (slot.scans || HasUnjudged(slot)) return false;
  return HasAcknowledged(*slot.connection, slot.head.first() + slot.head.length());
}

void Inspector::Finish(HeadSlot& slot) {
  Connection& connection = *slot.connection;
  heads_.Close(slot);
  if (IsToBeJudged(connection)) return;
  connection.inspection.store(Inspection::kNone, std::memory_order_relaxed);
}

void Inspector::Abandon(HeadSlot& slot, DropReason reason) {
  Counter& drops = tally_->ports[slot.in_port].drops[static_cast<size_t>(reason)];
  for (unsigned i = 0; i < slot.held_count; ++i) {
    rte_pktmbuf_free(slot.held[i]);
    drops.Add(1);
  }
  LetGo(slot, slot.held_count);
  const auto end = std::remove(ready_.begin(), ready_.begin() + ready_count_, &slot);
  ready_count_ = static_cast<unsigned>(end - ready_.begin());
  heads_.Close(slot);
}

std::span<const uint8_t> Inspector::PayloadOf(const Packet& packet) {
  const uint32_t offset = PayloadOffset(packet);
  const uint32_t end = packet.l4_offset + packet.l4_length;
  const uint32_t length =
      packet.protocol == IPPROTO_TCP ? packet.tcp.payload : end - std::min(end, offset);
  const void* bytes =
      rte_pktmbuf_read(packet.mbuf, offset, std::min<uint32_t>(length, kMaxPayload), flat_.get());
  if (bytes == nullptr) return {};
  return {static_cast<const uint8_t*>(bytes), std::min<uint32_t>(length, kMaxPayload)};
}

}  // namespace sluice::dataplane
