#include "dataplane/trace_mailbox.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace sluice::dataplane {

absl::StatusOr<TraceReport> TraceMailbox::Ask(PortId port, uint16_t generation,
                                              std::span<const uint8_t> frame, uint32_t timeout_ms) {
  if (frame.empty() || frame.size() > TraceRequest::kMaxFrame) {
    return absl::InvalidArgumentError(fmt::format("packet: {} bytes are not between 1 and {}",
                                                  frame.size(), TraceRequest::kMaxFrame));
  }
  State expected = State::kFree;
  if (!state_.compare_exchange_strong(expected, State::kWriting, std::memory_order_acquire)) {
    return absl::ResourceExhaustedError("another trace is under way on this worker: try again");
  }
  request_.port = port;
  request_.generation = generation;
  request_.length = static_cast<uint32_t>(frame.size());
  std::copy(frame.begin(), frame.end(), request_.frame.begin());
  report_ = TraceReport{};
  state_.store(State::kPosted, std::memory_order_release);
  if (!WaitUntilDone(timeout_ms)) {
    return absl::DeadlineExceededError(
        fmt::format("the worker did not answer within {} ms", timeout_ms));
  }
  const bool served = served_;
  const TraceReport report = report_;
  state_.store(State::kFree, std::memory_order_release);
  if (!served) return absl::FailedPreconditionError("the port was moved or deleted meanwhile");
  return report;
}

bool TraceMailbox::WaitUntilDone(uint32_t timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (state_.load(std::memory_order_acquire) != State::kDone) {
    if (std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      continue;
    }
    State expected = State::kPosted;
    if (state_.compare_exchange_strong(expected, State::kFree)) return false;
    expected = State::kTaken;
    if (state_.compare_exchange_strong(expected, State::kAbandoned)) return false;
  }
  return true;
}

}  // namespace sluice::dataplane
