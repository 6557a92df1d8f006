#include "dataplane/sctp_state.h"

#include <rte_byteorder.h>

#include <cstring>
#include <utility>

namespace sluice::dataplane {
namespace {

constexpr uint32_t kCommonHeader = 12;
constexpr unsigned kMaxChunks = 512;  // a jumbo frame of the smallest DATA chunks
constexpr uint8_t kReflected =
    0x01;  // T: carries the tag of what it answers (ABORT, SHUTDOWN COMPLETE)

constexpr HalfState kNo = HalfState{0xff};
constexpr HalfState kId = HalfState::kIdle, kIs = HalfState::kInitSent;
constexpr HalfState kIa = HalfState::kInitAckSent, kCe = HalfState::kCookieEchoSent;
constexpr HalfState kOp = HalfState::kOpen, kSh = HalfState::kShutdownSent;
constexpr HalfState kSa = HalfState::kShutdownAckSent, kDn = HalfState::kShutdownCompleteSent;
constexpr HalfState kRs = HalfState::kReset, kHb = HalfState::kHeartbeatSent;

// clang-format off
struct Row {
  HalfState own;
  HalfState next[kSctpChunks];
};
constexpr Row kTable[] = {
    //    INIT INIT COOKIE    SHUTDOWN      ABORT     other
    //         ACK  ECHO ACK       ACK  COMPL    HEARTB.
    {kId, {kIs, kIa, kNo, kNo, kNo, kNo, kNo, kRs, kHb, kNo}},
    //   ABORT: refuses the INIT.
    {kIs, {kIs, kIa, kCe, kNo, kNo, kNo, kNo, kRs, kNo, kNo}},
    //   INIT ACK: both sides sent an INIT at the same time.
    {kIa, {kIa, kIa, kCe, kOp, kNo, kNo, kNo, kRs, kIa, kNo}},
    //   INIT, COOKIE ECHO: both sides, as above.
    {kCe, {kCe, kCe, kCe, kOp, kSh, kSa, kNo, kRs, kCe, kCe}},
    //   INIT here and below: a restart. INIT ACK: both sides, as above. Others: DATA rides with the
    //   COOKIE ECHO.
    {kOp, {kOp, kOp, kOp, kOp, kSh, kSa, kNo, kRs, kOp, kOp}},
    {kSh, {kSh, kNo, kNo, kNo, kSh, kSa, kDn, kRs, kSh, kSh}},
    //   others: what was under way is acknowledged still.
    {kSa, {kSa, kNo, kNo, kNo, kNo, kSa, kDn, kRs, kSa, kNo}},
    //   SHUTDOWN COMPLETE: both sides sent SHUTDOWN.
    {kDn, {kNo, kNo, kNo, kNo, kNo, kNo, kDn, kRs, kNo, kNo}},
    {kRs, {kNo, kNo, kNo, kNo, kNo, kNo, kNo, kRs, kNo, kNo}},
    //   INIT on what is over: track starts over before it comes here.
    {kHb, {kIs, kIa, kNo, kNo, kSh, kSa, kNo, kRs, kHb, kOp}},
    //   another path of an association that was opened elsewhere.
};
// clang-format on

HalfState Cell(HalfState own, SctpChunk chunk) {
  for (const Row& row : kTable) {
    if (row.own == own) return row.next[static_cast<size_t>(chunk)];
  }
  return kNo;
}

// Nobody goes on before the other side has said what calls for it.
bool PeerAllows(const SctpSide& own, const SctpSide& peer, SctpChunk chunk, bool by_initiator) {
  switch (chunk) {
    case SctpChunk::kInit:
      return by_initiator || peer.state == kIs;
    case SctpChunk::kInitAck:
      return peer.state == kIs || peer.state == kIa || peer.pending_tag != 0;
    case SctpChunk::kCookieEcho:
      return peer.state != kId && peer.state != kIs && peer.state != kHb;
    case SctpChunk::kCookieAck:
      return peer.state == kCe || peer.state == kOp;
    case SctpChunk::kShutdownAck:
      return peer.state == kSh || peer.state == kSa;
    case SctpChunk::kShutdownComplete:
      return peer.state == kSa || peer.state == kDn;
    case SctpChunk::kAbort:
      return peer.state != kId || own.state != kId;
    case SctpChunk::kHeartbeat:
      return own.state == kId || own.state == kHb || peer.state != kId;
    case SctpChunk::kShutdown:
    case SctpChunk::kOther:
      return peer.state != kId && peer.state != kIs;
  }
  return false;
}

SctpChunk KindOf(uint8_t type) {
  switch (type) {
    case 1:
      return SctpChunk::kInit;
    case 2:
      return SctpChunk::kInitAck;
    case 4:
    case 5:
      return SctpChunk::kHeartbeat;
    case 6:
      return SctpChunk::kAbort;
    case 7:
      return SctpChunk::kShutdown;
    case 8:
      return SctpChunk::kShutdownAck;
    case 10:
      return SctpChunk::kCookieEcho;
    case 11:
      return SctpChunk::kCookieAck;
    case 14:
      return SctpChunk::kShutdownComplete;
    default:
      return SctpChunk::kOther;
  }
}

bool IsAlone(SctpChunk kind) {
  return kind == SctpChunk::kInit || kind == SctpChunk::kInitAck ||
         kind == SctpChunk::kShutdownComplete;
}
bool IsFirst(SctpChunk kind) {
  return kind == SctpChunk::kCookieEcho || kind == SctpChunk::kCookieAck;
}

struct Chunk {
  SctpChunk kind = SctpChunk::kOther;
  uint8_t flags = 0;
  uint32_t init_tag = 0;
};

// Reads the chunks one after another, wherever in the buffers they lie.
class ChunkReader {
 public:
  explicit ChunkReader(const Packet& packet)
      : packet_(packet),
        at_(packet.l4_offset + kCommonHeader),
        end_(packet.l4_offset + packet.l4_length) {}

  uint32_t VerificationTag() { return Read32(packet_.l4_offset + 4); }

  // False at the end, or with drop() set.
  bool Next(Chunk& chunk) {
    if (drop_ != DropReason::kNone) return false;
    if (at_ >= end_) return count_ == 0 ? Fail() : false;
    const uint32_t head = at_ + 4 <= end_ ? Read32(at_) : 0;
    const uint32_t length = head & 0xffff;
    const bool cut = at_ + length > end_ && !packet_.fragment.present();
    if (length < 4 || cut || count_ == kMaxChunks || alone_) return Fail();
    chunk.kind = KindOf(static_cast<uint8_t>(head >> 24));
    chunk.flags = static_cast<uint8_t>(head >> 16);
    alone_ = IsAlone(chunk.kind);
    if (count_ != 0 && (alone_ || IsFirst(chunk.kind))) return Fail();
    if (chunk.kind == SctpChunk::kInit || chunk.kind == SctpChunk::kInitAck) {
      if (length < 20 || at_ + 8 > end_) return Fail();
      chunk.init_tag = Read32(at_ + 4);
      if (chunk.init_tag == 0) return Fail();
    }
    at_ += (length + 3) & ~3u;
    ++count_;
    return true;
  }
  DropReason drop() const { return drop_; }

 private:
  bool Fail() {
    drop_ = DropReason::kSctpMalformed;
    return false;
  }
  uint32_t Read32(uint32_t offset) {
    uint32_t copy = 0;
    const void* bytes = rte_pktmbuf_read(packet_.mbuf, offset, sizeof(copy), &copy);
    if (bytes == nullptr) return 0;  // a length of 0 fails, and so does a tag of 0
    if (bytes != &copy) std::memcpy(&copy, bytes, sizeof(copy));
    return rte_be_to_cpu_32(copy);
  }

  const Packet& packet_;
  uint32_t at_;
  const uint32_t end_;
  unsigned count_ = 0;
  bool alone_ = false;
  DropReason drop_ = DropReason::kNone;
};

bool TagFits(SctpSide& own, const SctpSide& peer, const Chunk& chunk, uint32_t tag) {
  if (chunk.kind == SctpChunk::kInit) return tag == 0;
  if (tag == 0) return false;
  const bool may_reflect =
      chunk.kind == SctpChunk::kAbort || chunk.kind == SctpChunk::kShutdownComplete;
  if (may_reflect && (chunk.flags & kReflected) != 0 && tag == own.tag) return true;
  if (peer.tag == 0 && own.sent_tag == 0) own.sent_tag = tag;
  return SctpTagFits(own, peer, tag);
}

// INIT or INIT ACK: the tag that the sender wants to see.
void Propose(SctpSide& own, const SctpSide& peer, uint32_t tag) {
  const bool opening = own.state == kId || own.state == kIs || own.state == kHb;
  const bool unanswered = peer.state == kId || peer.state == kIs || peer.state == kHb;
  if (own.tag == 0 || (opening && unanswered)) {
    own.tag = tag;
  } else if (tag != own.tag) {
    own.pending_tag = tag;
  }
}

void AcceptPending(SctpSide& own) {
  if (own.pending_tag != 0) own.tag = std::exchange(own.pending_tag, 0u);
}

DropReason Step(SctpSide& own, const SctpSide& peer, const Chunk& chunk, uint32_t tag,
                bool by_initiator) {
  const HalfState next = Cell(own.state, chunk.kind);
  if (next == kNo || !PeerAllows(own, peer, chunk.kind, by_initiator)) {
    return DropReason::kSctpState;
  }
  if (!TagFits(own, peer, chunk, tag)) return DropReason::kSctpTag;
  if (chunk.kind == SctpChunk::kInit || chunk.kind == SctpChunk::kInitAck) {
    Propose(own, peer, chunk.init_tag);
  }
  const bool echoes_restart = chunk.kind == SctpChunk::kCookieEcho && tag == peer.pending_tag;
  const bool takes_restart = chunk.kind == SctpChunk::kCookieAck && tag == peer.tag;
  if (echoes_restart || takes_restart) AcceptPending(own);
  own.state = next;
  return DropReason::kNone;
}

bool IsUp(HalfState half) {
  return half == HalfState::kOpen || half == HalfState::kCookieEchoSent ||
         half == HalfState::kHeartbeatSent;
}

}  // namespace

SctpSide LoadSctpSide(const Half& half) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return {half.state.load(kRelaxed), half.tag.load(kRelaxed), half.pending_tag.load(kRelaxed),
          half.sent_tag.load(kRelaxed)};
}

void StoreSctpSide(const SctpSide& side, Half& half) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  half.state.store(side.state, kRelaxed);
  half.tag.store(side.tag, kRelaxed);
  half.pending_tag.store(side.pending_tag, kRelaxed);
  half.sent_tag.store(side.sent_tag, kRelaxed);
}

SctpStep NextSctp(const SctpSide& own, const SctpSide& peer, const Packet& packet,
                  bool by_initiator) {
  SctpStep step{DropReason::kNone, own};
  if (packet.fragment.later()) {  // of a packet whose first fragment was looked at
    return step;
  }
  ChunkReader reader(packet);
  const uint32_t tag = reader.VerificationTag();
  for (Chunk chunk; step.drop == DropReason::kNone && reader.Next(chunk); chunk = {}) {
    step.drop = Step(step.own, peer, chunk, tag, by_initiator);
  }
  if (reader.drop() != DropReason::kNone) step.drop = reader.drop();
  return step;
}

DropReason MayOpenSctp(const Packet& packet) {
  if (packet.fragment.later()) return DropReason::kSctpNoInit;
  ChunkReader reader(packet);
  Chunk first, rest;
  reader.Next(first);
  while (reader.Next(rest)) continue;
  if (reader.drop() != DropReason::kNone) return reader.drop();
  const bool opens = first.kind == SctpChunk::kInit || first.kind == SctpChunk::kHeartbeat;
  return opens ? DropReason::kNone : DropReason::kSctpNoInit;
}

bool IsSctpInit(const Packet& packet) {
  if (packet.fragment.later()) return false;
  ChunkReader reader(packet);
  Chunk chunk;
  return reader.Next(chunk) && chunk.kind == SctpChunk::kInit;
}

bool SctpTagFits(const SctpSide& own, const SctpSide& peer, uint32_t tag) {
  if (peer.tag == 0) return tag == own.sent_tag;
  return tag == peer.tag || (peer.pending_tag != 0 && tag == peer.pending_tag);
}

ConnectionState SctpStateOf(HalfState initiator, HalfState responder) {
  const auto either = [&](HalfState state) { return initiator == state || responder == state; };
  if (either(kRs) || either(kDn)) return ConnectionState::kSctpClosed;
  if (either(kSh) || either(kSa)) return ConnectionState::kSctpClosing;
  if (initiator == kHb && responder == kId) return ConnectionState::kSctpHeartbeat;
  const bool taken = either(kOp) || (initiator == kHb && responder == kHb);
  return taken && IsUp(initiator) && IsUp(responder) ? ConnectionState::kSctpEstablished
                                                     : ConnectionState::kSctpOpening;
}

}  // namespace sluice::dataplane
