// Things to do later, on the thread that runs them. Tests step the clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace sluice::control {

// One thread.
class TimerQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  using Id = uint64_t;
  static constexpr Id kNone = 0;

  explicit TimerQueue(std::function<Time()> clock) : clock_(std::move(clock)) {}

  Time now() const { return clock_(); }

  Id After(Duration delay, std::function<void()> what) {
    timers_.emplace(Key{now() + delay, ++last_id_}, std::move(what));
    return last_id_;
  }

  // Nothing happens if it is over, or kNone.
  void Cancel(Id id) {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }

  // When the next one is due.
  std::optional<Time> next() const {
    return timers_.empty() ? std::nullopt : std::optional(timers_.begin()->first.first);
  }

  // Runs what is due, in the order of time; also what that adds, if it is due.
  void RunDue() {
    while (!timers_.empty() && timers_.begin()->first.first <= now()) {
      const std::function<void()> what = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      what();
    }
  }

 private:
  using Key = std::pair<Time, Id>;
  std::function<Time()> clock_;
  Id last_id_ = kNone;
  std::map<Key, std::function<void()>> timers_;
};

}  // namespace sluice::control
