// How strictly connections are followed, and for how long: the operator's choices.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/connection_state.h"

namespace sluice::dataplane {

struct Tracking {
  // TCP data outside the window passes. RST does not, nor does what answers no SYN.
  bool be_liberal = false;
  // An ACK without a connection may open one, if policy lets its sender: for connections that are
  // older than the switch. Their windows are learned as packets come.
  bool tcp_pick_up = false;
  std::array<uint32_t, kConnectionStates> timeout_ms = {
#define SLUICE_X(constant, name, timeout_ms) timeout_ms,
      SLUICE_CONNECTION_STATES(SLUICE_X)
#undef SLUICE_X
  };

  uint32_t Timeout(ConnectionState state) const { return timeout_ms[static_cast<size_t>(state)]; }
};

}  // namespace sluice::dataplane
