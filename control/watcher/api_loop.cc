#include "control/watcher/api_loop.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice::control {
namespace {

constexpr std::chrono::milliseconds kLongestWait{1000};

// Rounded up: a timer that is found early would be waited for again and again.
std::chrono::milliseconds UntilNext(const TimerQueue& timers) {
  const auto next = timers.next();
  if (!next) return kLongestWait;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - timers.now());
  return std::clamp(left, std::chrono::milliseconds(0), kLongestWait);
}

}  // namespace

void ApiLoop::Run() {
  while (!stopped_) {
    transport_.Perform();
    std::vector<std::function<void()>> posted;
    {
      const std::lock_guard lock(mutex_);
      posted = std::exchange(posted_, {});
    }
    for (const std::function<void()>& what : posted) what();
    timers_.RunDue();
    transport_.Wait(UntilNext(timers_));
  }
}

void ApiLoop::Stop() {
  stopped_ = true;
  transport_.Wake();
}

void ApiLoop::Post(std::function<void()> what) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(what));
  }
  transport_.Wake();
}

}  // namespace sluice::control
