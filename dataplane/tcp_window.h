// Where a TCP segment's sequence numbers may lie, after RFC 9293 (3.10.7.4) and nf_conntrack.
//
// Each side's half says what that side has sent and announced, so one worker writes it:
//
//     sent by us ......|max_ack of the peer|.. in flight ..|end|.......|limit of the peer|
//                       what the peer has                 next      the peer takes no more
//
// A segment of ours fits if it starts at or before the peer's `limit`, does not end further below
// our `end` than the largest window that the peer ever announced (a keep-alive or a zero window
// probe is one below), and acknowledges what the peer sent: not beyond its `end`, and not further
// below than the larger of our window and kMinAckWindow. Acknowledgements are cumulative and the
// switch has seen all that either side sent, so SACK blocks need not be read.
//
// A RST is worth more to a forger: it must lie in [peer's max_ack, peer's limit], and ends the
// connection only at exactly max_ack or `end` (RFC 5961); elsewhere the peer answers a challenge
// ACK. One that answers a SYN must acknowledge it.
//
// A SYN on a live connection passes and moves nothing: its peer answers a challenge ACK. Should the
// peer answer SYN+ACK instead (it had forgotten the connection too), both halves begin again.
#pragma once

#include <cstdint>

#include "dataplane/connection.h"
#include "dataplane/packet.h"
#include "dataplane/tracking.h"

namespace sluice::dataplane {

inline constexpr uint32_t kMinAckWindow = 66'000;

// The TCP part of a Half, by value.
struct TcpSide {
  static constexpr uint8_t kKnown = 0x01;       // end and max_window count
  static constexpr uint8_t kAcked = 0x02;       // max_ack and limit count
  static constexpr uint8_t kScales = 0x04;      // offered a window scale
  static constexpr uint8_t kPickedUp = 0x08;    // began in mid-stream
  static constexpr uint8_t kPendingSyn = 0x10;  // sent a SYN on the live connection

  HalfState state = HalfState::kIdle;
  uint8_t flags = 0;
  uint8_t scale = 0;
  uint8_t pending_scale = 0;  // of the pending SYN
  uint32_t end = 0;           // after the highest octet it sent, SYN and FIN included
  uint32_t limit = 0;         // highest ACK + window: where the peer must stop
  uint32_t max_window = 0;    // largest it announced, in octets, at least 1
  uint32_t max_ack = 0;       // highest it acknowledged
  uint32_t syn_end = 0;       // after its newest SYN, which may be pending

  bool Has(uint8_t flag) const { return (flags & flag) != 0; }
  bool operator==(const TcpSide&) const = default;
};

TcpSide LoadSide(const Half& half);
void StoreSide(const TcpSide& side, Half& half);

struct TcpStep {
  DropReason drop = DropReason::kNone;
  TcpSide own;  // the sender's next side; means nothing if the packet died
};

// What one packet, sent by `own`, makes of its connection. `packet` has valid flags.
TcpStep NextTcp(const TcpSide& own, const TcpSide& peer, const Packet& packet, bool by_initiator,
                const Tracking& tracking);

// Whether a segment that began at `seq` may be on its way from `own` to `peer`, or just have been.
bool MayBeInFlight(const TcpSide& own, const TcpSide& peer, uint32_t seq);

// Whether a SYN begins a new connection after one that is over, rather than being a stray of it.
inline bool IsNewerSyn(const TcpSide& own, const TcpHeader& syn) {
  return static_cast<int32_t>(syn.seq - own.end) >= 0;
}

}  // namespace sluice::dataplane
