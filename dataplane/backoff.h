// How a worker that finds nothing to do lets go of its core, step by step: it turns on at full
// speed, then pauses between turns, then sleeps, twice as long each time, up to a limit.
//
// One packet brings it back to the start. What a packet that comes in while it sleeps waits for is
// the sleep's rest and the wake-up: docs/operations.md has figures.
#pragma once

#include <rte_pause.h>

#include <algorithm>
#include <cstdint>

namespace sluice::dataplane {

class Backoff {
 public:
  // `limit_us`: the longest sleep; 0: neither sleeps nor pauses, ever.
  explicit Backoff(uint32_t limit_us) : limit_us_(limit_us) {}

  void Busy() {
    idle_turns_ = 0;
    sleep_us_ = 0;
  }

  // After a turn without a packet. Pauses by itself; returns how long to sleep now, 0 for not yet.
  uint32_t Idle() {
    if (limit_us_ == 0) return 0;
    ++idle_turns_;
    if (idle_turns_ < kTurnsAtSpeed) return 0;
    if (idle_turns_ < kTurnsBeforeSleep) {
      for (unsigned i = 0; i < kPauses; ++i) rte_pause();
      return 0;
    }
    idle_turns_ = kTurnsBeforeSleep;  // does not wrap
    sleep_us_ = std::min(sleep_us_ == 0 ? kFirstSleepUs : 2 * sleep_us_, limit_us_);
    return sleep_us_;
  }

  static constexpr unsigned kTurnsAtSpeed = 64;
  static constexpr unsigned kTurnsBeforeSleep = 512;  // about 100 us after the last packet
  static constexpr unsigned kPauses = 4;              // some 200 ns
  static constexpr uint32_t kFirstSleepUs = 1;

 private:
  const uint32_t limit_us_;
  uint32_t sleep_us_ = 0;
  unsigned idle_turns_ = 0;
};

}  // namespace sluice::dataplane
