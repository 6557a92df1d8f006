// Kubernetes Events on objects that were refused: where their authors look.
//
// On the API's thread. One at a time and not faster than one in kGap; what does not fit the queue
// is not reported (it is in the status all the same).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "control/kube/watch/http_transport.h"
#include "control/kube/watch/timer_queue.h"
#include "control/object_key.h"

namespace sluice::control {

class EventReporter : private HttpReceiver {
 public:
  static constexpr std::chrono::milliseconds kGap{200};
  static constexpr size_t kMaxQueue = 200;

  // Both must outlive the reporter. `wall_clock` is for the times in events; `host` is who reports.
  EventReporter(HttpTransport& transport, TimerQueue& timers,
                std::function<std::chrono::system_clock::time_point()> wall_clock, std::string host)
      : transport_(transport),
        timers_(timers),
        wall_clock_(std::move(wall_clock)),
        host_(std::move(host)) {}
  ~EventReporter() override;
  EventReporter(const EventReporter&) = delete;
  EventReporter& operator=(const EventReporter&) = delete;

  void Report(const Refusal& refusal, const std::string& uid);

 private:
  void OnHead(const HttpHead& head) override { status_ = head.status; }
  bool OnBody(std::string_view) override { return true; }
  void OnEnd(const absl::Status& status) override;
  void SendNext();

  HttpTransport& transport_;
  TimerQueue& timers_;
  const std::function<std::chrono::system_clock::time_point()> wall_clock_;
  const std::string host_;
  std::deque<HttpRequest> queue_;
  HttpTransport::Id request_ = HttpTransport::kNone;
  TimerQueue::Id timer_ = TimerQueue::kNone;
  int status_ = 0;
  bool complained_ = false;  // one line in the log is enough
};

// The request that creates the event (core/v1). `at`: when it happened.
HttpRequest MakeEventRequest(const Refusal& refusal, const std::string& uid,
                             const std::string& host, std::chrono::system_clock::time_point at);

}  // namespace sluice::control
