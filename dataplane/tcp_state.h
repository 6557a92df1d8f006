// How TCP flags move the half of the side that sent them: one table, half state x kind of segment.
//
// The peer's half matters in two places: nobody goes on before the other side has answered, and
// only in a handshake may the responder send a SYN (simultaneous open), for a connection that it
// wants to open itself is judged by itself. Sequence numbers are tcp_window.h's.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/connection.h"

namespace sluice::dataplane {

enum class TcpSegment : uint8_t { kSyn, kSynAck, kAck, kFin, kRst, kInvalid };

// Sorts the flags of one segment; kInvalid for combinations no stack sends (SYN+FIN, SYN+RST,
// FIN without ACK, none of SYN, ACK and RST).
TcpSegment ClassifyTcpFlags(uint8_t flags);

// The sender's next half state, or nothing if the segment does not belong there.
std::optional<HalfState> NextHalfState(HalfState own, HalfState peer, TcpSegment segment,
                                       bool by_initiator);

}  // namespace sluice::dataplane
