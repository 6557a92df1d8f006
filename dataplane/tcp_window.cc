#include "dataplane/tcp_window.h"

#include <algorithm>

#include "dataplane/tcp_state.h"

namespace sluice::dataplane {
namespace {

bool Before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }
uint32_t Later(uint32_t a, uint32_t b) { return Before(a, b) ? b : a; }
bool Between(uint32_t low, uint32_t value, uint32_t high) {
  return !Before(value, low) && !Before(high, value);
}

bool HasAck(const Packet& packet) { return (packet.tcp_flags & kTcpAck) != 0; }

uint32_t EndOf(const Packet& packet) {
  const uint32_t syn = (packet.tcp_flags & kTcpSyn) != 0 ? 1 : 0;
  const uint32_t fin = (packet.tcp_flags & kTcpFin) != 0 ? 1 : 0;
  return packet.tcp.seq + packet.tcp.payload + syn + fin;
}

// The side of someone who has sent this SYN or SYN+ACK and nothing else.
TcpSide AfterSyn(const Packet& packet) {
  TcpSide side;
  side.flags = TcpSide::kKnown;
  if (packet.tcp.scale != kNoTcpScale) {
    side.flags |= TcpSide::kScales;
    side.scale = packet.tcp.scale;
  }
  side.end = EndOf(packet);
  side.syn_end = packet.tcp.seq + 1;
  side.max_window = std::max<uint32_t>(packet.tcp.window, 1);
  return side;
}

void Acknowledge(TcpSide& own, uint32_t ack, uint32_t window) {
  const bool first = !own.Has(TcpSide::kAcked);
  own.max_ack = first ? ack : Later(own.max_ack, ack);
  own.limit = first ? ack + window : Later(own.limit, ack + window);
  own.flags |= TcpSide::kAcked;
}

// A window is scaled if both SYNs offered to; a SYN's own never is.
uint32_t WindowOf(const TcpSide& own, const TcpSide& peer, const Packet& packet) {
  const bool scaled =
      (packet.tcp_flags & kTcpSyn) == 0 && own.Has(TcpSide::kScales) && peer.Has(TcpSide::kScales);
  // A half may come from a file that somebody else wrote.
  return uint32_t{packet.tcp.window} << (scaled ? std::min<unsigned>(own.scale, kMaxTcpScale) : 0);
}

void Extend(TcpSide& own, const TcpSide& peer, const Packet& packet) {
  const uint32_t end = EndOf(packet);
  own.end = own.Has(TcpSide::kKnown) ? Later(own.end, end) : end;
  const uint32_t window = WindowOf(own, peer, packet);
  own.max_window = std::max({own.max_window, window, uint32_t{1}});
  own.flags |= TcpSide::kKnown;
  Acknowledge(own, packet.tcp.ack, window);
}

bool Fits(const TcpSide& own, const TcpSide& peer, const Packet& packet) {
  // Before the peer has acknowledged anything (its SYN+ACK is under way, or ours was), only what
  // follows directly.
  const uint32_t limit = peer.Has(TcpSide::kAcked) ? peer.limit : own.end;
  if (Before(limit, packet.tcp.seq)) return false;
  if (Before(EndOf(packet), own.end - peer.max_window - 1)) return false;
  const uint32_t ack_window = std::max(own.max_window, kMinAckWindow);
  return Between(peer.end - ack_window, packet.tcp.ack, peer.end);
}

bool AnswersSyn(const TcpSide& peer, const Packet& packet) {
  return HasAck(packet) && peer.Has(TcpSide::kKnown) && !peer.Has(TcpSide::kPickedUp) &&
         Between(peer.syn_end, packet.tcp.ack, peer.end);
}

bool AnswersPendingSyn(const TcpSide& peer, const Packet& packet) {
  return HasAck(packet) && peer.Has(TcpSide::kPendingSyn) && packet.tcp.ack == peer.syn_end;
}

// The peer's SYN+ACK took our pending SYN: that is our connection now.
TcpSide Restarted(const TcpSide& own) {
  TcpSide side;
  side.state = HalfState::kSynSent;
  side.flags = TcpSide::kKnown;
  if (own.pending_scale != kNoTcpScale) {
    side.flags |= TcpSide::kScales;
    side.scale = own.pending_scale;
  }
  side.end = side.syn_end = own.syn_end;
  side.max_window = own.max_window;
  return side;
}

bool WasTaken(const TcpSide& own, const TcpSide& peer) {
  return own.Has(TcpSide::kPendingSyn) && peer.state == HalfState::kSynAckSent &&
         peer.Has(TcpSide::kAcked) && peer.max_ack == own.syn_end;
}

DropReason Syn(TcpSide& own, const TcpSide& peer, const Packet& packet, bool by_initiator) {
  const bool first = own.state == HalfState::kIdle ||
                     (own.state == HalfState::kSynSent && peer.state == HalfState::kIdle);
  if (first) {
    own = AfterSyn(packet);
    return DropReason::kNone;
  }
  if (packet.tcp.seq + 1 == own.syn_end) return DropReason::kNone;
  if (!by_initiator) return DropReason::kTcpWindow;
  own.syn_end = packet.tcp.seq + 1;
  own.pending_scale = packet.tcp.scale;
  own.flags |= TcpSide::kPendingSyn;
  return DropReason::kNone;
}

// Sets `next` where the table does not know better.
DropReason SynAck(TcpSide& own, const TcpSide& peer, const Packet& packet, bool by_initiator,
                  HalfState& next) {
  const bool opens = own.state == HalfState::kIdle || own.state == HalfState::kSynSent;
  const bool restarts = !opens && !by_initiator && AnswersPendingSyn(peer, packet);
  if (!opens && !restarts) {
    if (!Fits(own, peer, packet)) return DropReason::kTcpWindow;
    Extend(own, peer, packet);
    return DropReason::kNone;
  }
  if (opens && !AnswersSyn(peer, packet)) return DropReason::kTcpWindow;
  if (own.state == HalfState::kSynSent && packet.tcp.seq + 1 != own.syn_end) {
    return DropReason::kTcpWindow;
  }
  own = AfterSyn(packet);
  Acknowledge(own, packet.tcp.ack, packet.tcp.window);
  next = HalfState::kSynAckSent;
  return DropReason::kNone;
}

// ACK and FIN.
DropReason Data(TcpSide& own, const TcpSide& peer, const Packet& packet, const Tracking& tracking) {
  const bool picked_up = own.Has(TcpSide::kPickedUp) || peer.Has(TcpSide::kPickedUp);
  if (own.state == HalfState::kIdle && !picked_up) {  // a challenge; its ACK is what a RST will say
    if (packet.tcp.payload != 0) return DropReason::kTcpWindow;
    Acknowledge(own, packet.tcp.ack, 0);
    return DropReason::kNone;
  }
  if (picked_up || Fits(own, peer, packet)) {
    Extend(own, peer, packet);
    return DropReason::kNone;
  }
  return tracking.be_liberal ? DropReason::kNone : DropReason::kTcpWindow;
}

// Leaves `next` at kReset if the peer, too, will take it for the end.
DropReason Rst(const TcpSide& own, const TcpSide& peer, const Packet& packet, HalfState& next) {
  if (AnswersPendingSyn(peer, packet)) return DropReason::kNone;
  const bool picked_up = peer.Has(TcpSide::kPickedUp);
  if (!own.Has(TcpSide::kKnown) && !picked_up) {
    return AnswersSyn(peer, packet) ? DropReason::kNone : DropReason::kTcpWindow;
  }
  const bool at_end = own.Has(TcpSide::kKnown) && packet.tcp.seq == own.end;
  if (!peer.Has(TcpSide::kAcked)) return at_end ? DropReason::kNone : DropReason::kTcpWindow;
  if (at_end || packet.tcp.seq == peer.max_ack) return DropReason::kNone;
  next = own.state;
  return Between(peer.max_ack, packet.tcp.seq, peer.limit) ? DropReason::kNone
                                                           : DropReason::kTcpWindow;
}

DropReason CheckNumbers(TcpSide& own, const TcpSide& peer, const Packet& packet, bool by_initiator,
                        const Tracking& tracking, HalfState& next) {
  switch (ClassifyTcpFlags(packet.tcp_flags)) {
    case TcpSegment::kSyn:
      return Syn(own, peer, packet, by_initiator);
    case TcpSegment::kSynAck:
      return SynAck(own, peer, packet, by_initiator, next);
    case TcpSegment::kAck:
    case TcpSegment::kFin:
      return Data(own, peer, packet, tracking);
    case TcpSegment::kRst:
      return Rst(own, peer, packet, next);
    case TcpSegment::kInvalid:
      break;
  }
  return DropReason::kTcpMalformed;
}

// A connection begun in mid-stream has no handshake: for the table, a side that was not heard yet
// is open.
HalfState StateForTable(const TcpSide& side, bool picked_up) {
  return picked_up && side.state == HalfState::kIdle ? HalfState::kOpen : side.state;
}

}  // namespace

TcpSide LoadSide(const Half& half) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  TcpSide side;
  side.state = half.state.load(kRelaxed);
  side.flags = half.flags.load(kRelaxed);
  side.scale = half.scale.load(kRelaxed);
  side.pending_scale = half.pending_scale.load(kRelaxed);
  side.end = half.end.load(kRelaxed);
  side.limit = half.limit.load(kRelaxed);
  side.max_window = half.max_window.load(kRelaxed);
  side.max_ack = half.max_ack.load(kRelaxed);
  side.syn_end = half.syn_end.load(kRelaxed);
  return side;
}

void StoreSide(const TcpSide& side, Half& half) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  half.state.store(side.state, kRelaxed);
  half.flags.store(side.flags, kRelaxed);
  half.scale.store(side.scale, kRelaxed);
  half.pending_scale.store(side.pending_scale, kRelaxed);
  half.end.store(side.end, kRelaxed);
  half.limit.store(side.limit, kRelaxed);
  half.max_window.store(side.max_window, kRelaxed);
  half.max_ack.store(side.max_ack, kRelaxed);
  half.syn_end.store(side.syn_end, kRelaxed);
}

bool MayBeInFlight(const TcpSide& own, const TcpSide& peer, uint32_t seq) {
  if (own.Has(TcpSide::kPendingSyn) && seq + 1 == own.syn_end) return true;
  if (!own.Has(TcpSide::kKnown)) return false;
  if (own.Has(TcpSide::kPickedUp) || peer.Has(TcpSide::kPickedUp)) return true;
  // One below: a SYN, or a keep-alive.
  const uint32_t taken = peer.Has(TcpSide::kAcked) ? peer.max_ack : own.syn_end;
  return Between(taken - 1, seq, own.end);
}

TcpStep NextTcp(const TcpSide& own, const TcpSide& peer, const Packet& packet, bool by_initiator,
                const Tracking& tracking) {
  const TcpSegment segment = ClassifyTcpFlags(packet.tcp_flags);
  TcpStep step{DropReason::kNone, WasTaken(own, peer) ? Restarted(own) : own};
  const bool begins = own.state == HalfState::kIdle && peer.state == HalfState::kIdle;
  if (begins && segment == TcpSegment::kAck && tracking.tcp_pick_up) {
    step.own.flags |= TcpSide::kPickedUp;
  }
  const bool picked_up = step.own.Has(TcpSide::kPickedUp) || peer.Has(TcpSide::kPickedUp);
  const std::optional<HalfState> moved = NextHalfState(
      StateForTable(step.own, picked_up), StateForTable(peer, picked_up), segment, by_initiator);
  if (!moved.has_value()) return {DropReason::kTcpState, own};
  HalfState next = *moved;
  step.drop = CheckNumbers(step.own, peer, packet, by_initiator, tracking, next);
  step.own.state = next;
  return step;
}

}  // namespace sluice::dataplane
