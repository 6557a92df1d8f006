// Hands one trace at a time to a worker, and the answer back.
//
//   asker:  free -> writing -> posted ......................... done -> free
//   worker:                     posted -> taken -> (dry run) -> done
//
// The request lies in the mailbox itself, so an asker that stops waiting leaves nothing behind that
// the worker could trip over: what it has taken it finishes, and then frees the mailbox itself. The
// worker pays one relaxed load a loop.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "dataplane/snapshot.h"
#include "dataplane/trace.h"

namespace sluice::dataplane {

// A packet to trace: as if `port` had received it.
struct TraceRequest {
  static constexpr size_t kMaxFrame = 9216;

  PortId port = kNoPort;
  uint16_t generation = 0;
  uint32_t length = 0;
  std::array<uint8_t, kMaxFrame> frame;
};

class TraceMailbox {
 public:
  // Waits until the worker has answered. Any thread but the worker. Errors: InvalidArgument (frame
  // empty or above kMaxFrame), ResourceExhausted (another trace is under way), DeadlineExceeded,
  // FailedPrecondition (the worker does not poll that port).
  absl::StatusOr<TraceReport> Ask(PortId port, uint16_t generation, std::span<const uint8_t> frame,
                                  uint32_t timeout_ms);

  // The worker's side. Serve calls run(request, report), which says whether the port is the
  // worker's.
  bool Waiting() const { return state_.load(std::memory_order_relaxed) == State::kPosted; }
  template <typename Run>
  void Serve(Run&& run) {
    State expected = State::kPosted;
    if (!state_.compare_exchange_strong(expected, State::kTaken, std::memory_order_acquire)) return;
    served_ = run(request_, report_);
    expected = State::kTaken;
    if (!state_.compare_exchange_strong(expected, State::kDone, std::memory_order_release)) {
      state_.store(State::kFree, std::memory_order_release);  // nobody waits any more
    }
  }

 private:
  enum class State : uint8_t { kFree, kWriting, kPosted, kTaken, kDone, kAbandoned };

  bool WaitUntilDone(uint32_t timeout_ms);

  std::atomic<State> state_{State::kFree};
  // Written by the asker while kWriting, by the worker while kTaken, read by the asker at kDone.
  bool served_ = false;
  TraceRequest request_;
  TraceReport report_;
};

}  // namespace sluice::dataplane
