// Keeps one kind of object known: reads everything once, then follows the changes, for ever.
//
//   streaming list ──refused──> list, page by page
//        │ end of initial events      │ last page
//        └──────────> watch <─────────┘
//   watch ends, cut off, stalled: watch again from the newest version
//   errors again and again at one version: read everything again
//   410, an event that cannot be read: read everything again
//   404, and discovery does not list it: absent, asked again from time to time
//   401, 403: forbidden, asked again
//   anything else: again after a while, longer each time
//
// What is read again comes as a whole at its end, so that no mixture of old and new is ever seen.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "control/kube/watch/absence.h"
#include "control/kube/watch/api_error.h"
#include "control/kube/watch/backoff.h"
#include "control/kube/watch/http_transport.h"
#include "control/kube/watch/kind_status.h"
#include "control/kube/watch/object_stream.h"
#include "control/kube/watch/resource.h"
#include "control/kube/watch/timer_queue.h"

namespace sluice::control {

// Where objects go. Those of a list count only with OnListEnd, and then replace all there were.
class ObjectSink {
 public:
  virtual ~ObjectSink() = default;
  virtual void OnListBegin() = 0;  // forgets what an unfinished list has brought
  // An error ends the list: "REASON".
  virtual absl::Status OnListed(StreamedObject object) = 0;
  virtual void OnUnlisted(const ObjectIdentity& object) = 0;
  virtual void OnListEnd() = 0;
  virtual void OnChanged(StreamedObject object) = 0;
  virtual void OnDeleted(const ObjectIdentity& object) = 0;
};

struct ReflectorConfig {
  std::chrono::seconds watch_idle{90};  // bookmarks come about once a minute
  std::chrono::seconds list_idle{30};
  std::chrono::seconds initial_idle{10};  // a streaming list without an event, or its end
  std::chrono::milliseconds absent_probe{15'000};
  std::chrono::milliseconds forbidden_probe{5'000};
  std::chrono::milliseconds first_retry{250};
  std::chrono::milliseconds last_retry{30'000};
};

// One thread: the transport's and the timers'.
class Reflector : private HttpReceiver {
 public:
  using OnStatus = std::function<void(const KindStatus&)>;

  // All of it must outlive the reflector. `on_status` hears of each change.
  Reflector(const Resource& resource, HttpTransport& transport, TimerQueue& timers, Random random,
            ObjectSink& sink, ReflectorConfig config, OnStatus on_status);
  ~Reflector() override;
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  void Start() { ReadAll(); }
  const KindStatus& status() const { return status_; }

 private:
  enum class Phase { kIdle, kStreamingList, kList, kWatch };

  void OnHead(const HttpHead& head) override;
  bool OnBody(std::string_view piece) override;
  void OnEnd(const absl::Status& status) override;

  // What to ask next.
  void ReadAll();
  void ReadPage();
  void Watch();
  void Resume();  // a watch if there is a version to go on from, else everything
  void Ask(Phase phase, const std::string& target, std::chrono::seconds idle_limit);
  void Later(std::chrono::milliseconds delay);

  // What came.
  void OnObject(StreamedObject object);
  void Listed(StreamedObject object);
  void OnEvent(StreamedObject event);
  void OnBookmark(const StreamedObject& event);
  void OnErrorEvent(const StreamedObject& event);
  void EndInitialEvents(const std::string& resource_version);
  void CheckInitialEvents();
  void CheckProgress();
  void Progress();
  void Malformed(const std::string& why);

  // How it ended: reflector_end.cc.
  void EndPage();
  void EndWatch(const absl::Status& status);
  void Refused(Phase phase, const ApiError& error);
  void NotFound(const ApiError& error);
  void OnAbsence(const absl::Status& absent);
  void Forbidden(Phase phase, const ApiError& error);
  void Expired();
  void Failed(const std::string& why);
  void CountWatchError();
  void Known(const std::string& resource_version);
  void Tell() { on_status_(status_); }

  const Resource& resource_;
  HttpTransport& transport_;
  TimerQueue& timers_;
  const Random random_;
  ObjectSink& sink_;
  const ReflectorConfig config_;
  const OnStatus on_status_;

  KindStatus status_;
  Backoff backoff_;
  AbsenceCheck absence_;
  TimerQueue::Id retry_ = TimerQueue::kNone;
  TimerQueue::Id check_ = TimerQueue::kNone;  // of initial events, then of a watch's progress
  size_t path_ = 0;                           // of resource_.paths
  unsigned absent_rounds_ = 0;                // times that all of them were 404
  unsigned watch_errors_ = 0;                 // since the last progress
  bool streams_lists_ = true;                 // until the server turns out not to
  bool pages_once_ = false;  // for the next list, without asking for a streaming one
  bool distrusts_connection_ = false;

  // Of the request that runs.
  Phase phase_ = Phase::kIdle;
  HttpTransport::Id request_ = HttpTransport::kNone;
  std::optional<HttpHead> head_;
  std::unique_ptr<ObjectStream> stream_;
  std::string error_body_;
  std::string continue_;  // of the next page
  absl::Status stream_error_;
  bool expired_ = false;
  bool useful_ = false;  // an event came, a bookmark or more
  TimerQueue::Time started_{}, last_event_{};
};

}  // namespace sluice::control
