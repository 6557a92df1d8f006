// The thread that talks to the API server: its requests, its timers, and what others ask it to do.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "control/kube/watch/api_access.h"
#include "control/kube/watch/curl_transport.h"
#include "control/kube/watch/timer_queue.h"

namespace sluice::control {

class ApiLoop {
 public:
  ApiLoop(ApiAccess access, std::function<TimerQueue::Time()> clock)
      : timers_(std::move(clock)), transport_(std::move(access)) {}

  // Until Stop.
  void Run();

  // Any thread.
  void Stop();
  void Post(std::function<void()> what);  // done by Run

  // For what runs on the loop's thread, or before it.
  TimerQueue& timers() { return timers_; }
  CurlTransport& transport() { return transport_; }

 private:
  TimerQueue timers_;
  CurlTransport transport_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

}  // namespace sluice::control
