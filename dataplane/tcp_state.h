// How TCP flags move the half of the side that sent them.
//
// One table, half state x kind of segment. Sequence windows are not checked here yet; they are a
// stated limit (README). The peer's half matters in one place: nobody completes a handshake that
// the other side has not answered.
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
std::optional<HalfState> NextHalfState(HalfState own, HalfState peer, TcpSegment segment);

}  // namespace sluice::dataplane
