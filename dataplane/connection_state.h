// What a connection is at, derived from its halves, and how long it may be idle there: one table
// for code, flags and docs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::dataplane {

// X(constant, name, default timeout_ms). The figures are nf_conntrack's, but for established: two
// hours and four minutes (RFC 5382) instead of five days.
#define SLUICE_CONNECTION_STATES(X)         \
  X(kSynSent, "syn_sent", 30'000)           \
  X(kSynReceived, "syn_received", 60'000)   \
  X(kEstablished, "established", 7'440'000) \
  X(kClosing, "closing", 120'000)           \
  X(kTimeWait, "time_wait", 120'000)        \
  X(kReset, "reset", 10'000)                \
  X(kUnreplied, "unreplied", 30'000)        \
  X(kReplied, "replied", 120'000)

enum class ConnectionState : uint8_t {
#define SLUICE_X(constant, name, timeout_ms) constant,
  SLUICE_CONNECTION_STATES(SLUICE_X)
#undef SLUICE_X
};

inline constexpr size_t kConnectionStates = 0
#define SLUICE_X(constant, name, timeout_ms) +1
    SLUICE_CONNECTION_STATES(SLUICE_X)
#undef SLUICE_X
    ;

const char* ConnectionStateName(ConnectionState state);
uint32_t TimeoutMs(ConnectionState state);  // the default

}  // namespace sluice::dataplane
