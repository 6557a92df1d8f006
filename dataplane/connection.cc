#include "dataplane/connection.h"

#include <netinet/in.h>

#include <algorithm>

#include "dataplane/sctp_state.h"

namespace sluice::dataplane {
namespace {

ConnectionState TcpStateOf(HalfState initiator, HalfState responder) {
  if (initiator == HalfState::kReset || responder == HalfState::kReset) {
    return ConnectionState::kReset;
  }
  const bool initiator_done = initiator == HalfState::kFinSent;
  const bool responder_done = responder == HalfState::kFinSent;
  if (initiator_done && responder_done) return ConnectionState::kTimeWait;
  if (initiator_done || responder_done) return ConnectionState::kClosing;
  if (responder == HalfState::kIdle) return ConnectionState::kSynSent;
  if (initiator != HalfState::kOpen) return ConnectionState::kSynReceived;
  return ConnectionState::kEstablished;
}

struct StateRow {
  const char* name;
  uint32_t timeout_ms;
};
constexpr StateRow kRows[] = {
#define SLUICE_X(constant, name, timeout_ms) {name, timeout_ms},
    SLUICE_CONNECTION_STATES(SLUICE_X)
#undef SLUICE_X
};

}  // namespace

ConnectionState StateOf(const Connection& connection) {
  const HalfState initiator =
      connection.Sent(connection.initiator_is_b).state.load(std::memory_order_relaxed);
  const HalfState responder =
      connection.Sent(!connection.initiator_is_b).state.load(std::memory_order_relaxed);
  if (connection.key.protocol == IPPROTO_TCP) return TcpStateOf(initiator, responder);
  if (connection.key.protocol == IPPROTO_SCTP) return SctpStateOf(initiator, responder);
  return responder == HalfState::kIdle ? ConnectionState::kUnreplied : ConnectionState::kReplied;
}

bool MayBeEvicted(ConnectionState state) {
  return state != ConnectionState::kEstablished && state != ConnectionState::kReplied &&
         state != ConnectionState::kSctpEstablished;
}

uint32_t IdleMs(const Connection& connection, uint32_t now_ms) {
  uint32_t idle = UINT32_MAX;
  for (const Half& half : connection.halves) {
    const auto since =
        static_cast<int32_t>(now_ms - half.last_seen_ms.load(std::memory_order_relaxed));
    idle = std::min(idle, static_cast<uint32_t>(std::max(since, 0)));
  }
  return idle;
}

uint32_t DurationMs(const Connection& connection) {
  uint32_t duration = 0;
  for (const Half& half : connection.halves) {
    duration = std::max(duration, half.last_seen_ms.load(std::memory_order_relaxed) -
                                      half.opened_ms.load(std::memory_order_relaxed));
  }
  return duration;
}

uint64_t PacketsOf(const Connection& connection) {
  return connection.halves[0].packets.load(std::memory_order_relaxed) +
         connection.halves[1].packets.load(std::memory_order_relaxed);
}

uint64_t BytesOf(const Connection& connection) {
  return connection.halves[0].bytes.load(std::memory_order_relaxed) +
         connection.halves[1].bytes.load(std::memory_order_relaxed);
}

std::optional<ConnectionState> ConnectionStateNamed(std::string_view name) {
  for (size_t state = 0; state < kConnectionStates; ++state) {
    if (name == kRows[state].name) return static_cast<ConnectionState>(state);
  }
  return std::nullopt;
}

const char* ConnectionStateName(ConnectionState state) {
  return kRows[static_cast<size_t>(state)].name;
}
uint32_t TimeoutMs(ConnectionState state) { return kRows[static_cast<size_t>(state)].timeout_ms; }

}  // namespace sluice::dataplane
