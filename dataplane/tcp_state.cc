#include "dataplane/tcp_state.h"

#include "dataplane/packet.h"

namespace sluice::dataplane {
namespace {

enum Cell : uint8_t { kBad, kId, kSs, kSa, kOp, kFs, kRs };

// clang-format off
constexpr Cell kTable[kHalfStates][5] = {
    //                 SYN   SYN+ACK ACK   FIN   RST
    /* kIdle       */ {kSs,  kSa,    kId,  kBad, kRs},  // ACK: a half-open peer's challenge
    /* kSynSent    */ {kSs,  kSa,    kOp,  kFs,  kRs},  // SYN+ACK: simultaneous open
    /* kSynAckSent */ {kBad, kSa,    kOp,  kFs,  kRs},
    /* kOpen       */ {kOp,  kOp,    kOp,  kFs,  kRs},  // SYN: the peer answers with a challenge ACK
    /* kFinSent    */ {kFs,  kBad,   kFs,  kFs,  kRs},  // SYN: as above; FIN: retransmission
    /* kReset      */ {kBad, kBad,   kOp,  kFs,  kRs},  // the peer may have ignored the RST
};
// clang-format on

}  // namespace

TcpSegment ClassifyTcpFlags(uint8_t flags) {
  const bool syn = (flags & kTcpSyn) != 0, ack = (flags & kTcpAck) != 0;
  const bool fin = (flags & kTcpFin) != 0, rst = (flags & kTcpRst) != 0;
  if (syn && (fin || rst)) return TcpSegment::kInvalid;
  if (syn) return ack ? TcpSegment::kSynAck : TcpSegment::kSyn;
  if (rst) return TcpSegment::kRst;
  if (!ack) return TcpSegment::kInvalid;
  return fin ? TcpSegment::kFin : TcpSegment::kAck;
}

std::optional<HalfState> NextHalfState(HalfState own, HalfState peer, TcpSegment segment) {
  if (segment == TcpSegment::kInvalid) return std::nullopt;
  const bool handshake_answered = peer != HalfState::kIdle;
  const bool needs_answer =
      segment == TcpSegment::kAck || segment == TcpSegment::kFin || segment == TcpSegment::kSynAck;
  if (needs_answer && !handshake_answered) return std::nullopt;
  switch (kTable[static_cast<size_t>(own)][static_cast<size_t>(segment)]) {
    case kBad:
      return std::nullopt;
    case kId:
      return HalfState::kIdle;
    case kSs:
      return HalfState::kSynSent;
    case kSa:
      return HalfState::kSynAckSent;
    case kOp:
      return HalfState::kOpen;
    case kFs:
      return HalfState::kFinSent;
    case kRs:
      return HalfState::kReset;
  }
  return std::nullopt;
}

}  // namespace sluice::dataplane
