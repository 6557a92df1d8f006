#include "dataplane/tcp_state.h"

#include "dataplane/packet.h"

namespace sluice::dataplane {
namespace {

enum Cell : uint8_t { kBad, kId, kSs, kSa, kOp, kFs, kRs };

constexpr unsigned kColumns = 6;

// clang-format off
constexpr Cell kTable[kHalfStates][kColumns] = {
    //                 SYN by:
    //                 init. resp. SYN+ACK ACK   FIN   RST
    /* kIdle       */ {kSs,  kSs,  kSa,    kId,  kBad, kRs},
    //   SYN by responder: simultaneous open. ACK: a peer that still has an older connection answers
    //   a SYN with its challenge, which says nothing about this one. RST: refuses the SYN.
    /* kSynSent    */ {kSs,  kSs,  kSa,    kOp,  kFs,  kRs},
    //   SYN: retransmission. SYN+ACK: simultaneous open.
    /* kSynAckSent */ {kSa,  kBad, kSa,    kOp,  kFs,  kRs},
    //   SYN by initiator: from here on the peer answers it with a challenge ACK; it moves nothing.
    //   SYN+ACK: retransmission.
    /* kOpen       */ {kOp,  kBad, kOp,    kOp,  kFs,  kRs},
    //   SYN as above. SYN+ACK: delayed, or it answers a SYN that moved nothing (tcp_window.cc).
    /* kFinSent    */ {kFs,  kBad, kFs,    kFs,  kFs,  kRs},
    //   SYN, SYN+ACK as above; on a connection that is over, track starts over with it. FIN:
    //   retransmission.
    /* kReset      */ {kBad, kBad, kBad,   kOp,  kFs,  kRs},
    //   SYN: track starts over before it comes here. ACK, FIN: the peer ignored the RST, and so did
    //   its sender.
};
// clang-format on

unsigned ColumnOf(TcpSegment segment, bool by_initiator) {
  if (segment == TcpSegment::kSyn && by_initiator) return 0;
  return static_cast<unsigned>(segment) + 1;
}

bool PeerAllows(HalfState peer, TcpSegment segment, bool by_initiator) {
  switch (segment) {
    case TcpSegment::kSyn:
      return by_initiator || peer == HalfState::kSynSent || peer == HalfState::kSynAckSent;
    case TcpSegment::kSynAck:
    case TcpSegment::kAck:
    case TcpSegment::kFin:
      return peer != HalfState::kIdle;
    case TcpSegment::kRst:
      return true;
    case TcpSegment::kInvalid:
      return false;
  }
  return false;
}

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

std::optional<HalfState> NextHalfState(HalfState own, HalfState peer, TcpSegment segment,
                                       bool by_initiator) {
  if (!PeerAllows(peer, segment, by_initiator)) return std::nullopt;
  switch (kTable[static_cast<size_t>(own)][ColumnOf(segment, by_initiator)]) {
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
