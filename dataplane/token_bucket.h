// How often something may be done: a rate, and how much of it may come at once.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::dataplane {

struct TokenRate {
  uint32_t per_second = 0;
  uint32_t burst = 0;  // as many at once after a pause, and at the start
};

// The owner's thread only. The clock is the data plane's: milliseconds that wrap.
class TokenBucket {
 public:
  // True, and one token less, if there is one.
  bool Take(const TokenRate& rate, uint32_t now_ms) {
    Fill(rate, now_ms);
    if (thousandths_ < kOne) return false;
    thousandths_ -= kOne;
    return true;
  }

 private:
  static constexpr uint64_t kOne = 1000;  // a token, so that a millisecond of any rate counts

  void Fill(const TokenRate& rate, uint32_t now_ms) {
    const uint64_t room = rate.burst * kOne;
    const uint32_t elapsed_ms = now_ms - filled_ms_;
    thousandths_ =
        fresh_ ? room : std::min(room, thousandths_ + uint64_t{elapsed_ms} * rate.per_second);
    filled_ms_ = now_ms;
    fresh_ = false;
  }

  uint64_t thousandths_ = 0;
  uint32_t filled_ms_ = 0;
  bool fresh_ = true;
};

}  // namespace sluice::dataplane
