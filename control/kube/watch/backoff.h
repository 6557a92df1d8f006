// How long to wait before the next attempt: doubled each time, with jitter.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

namespace sluice::control {

// Uniform in [0, 1).
using Random = std::function<double()>;

// `duration`, and up to half of it more: many clients that fell together do not rise together.
inline std::chrono::milliseconds WithJitter(std::chrono::milliseconds duration,
                                            const Random& random) {
  return duration + std::chrono::milliseconds(
                        static_cast<int64_t>(static_cast<double>(duration.count()) / 2 * random()));
}

class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds last, Random random)
      : first_(first), last_(last), next_(first), random_(std::move(random)) {}

  std::chrono::milliseconds Next() {
    const auto now = next_;
    next_ = std::min(2 * next_, last_);
    return WithJitter(now, random_);
  }
  void Reset() { next_ = first_; }

 private:
  std::chrono::milliseconds first_, last_, next_;
  Random random_;
};

}  // namespace sluice::control
