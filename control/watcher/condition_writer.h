// Writes the condition `sluice.io/Accepted` (control/watcher/acceptance.h) into the status of
// objects.
//
//   reflector: what the API has ─┐
//                                ├─> differs from what it should say ──> PATCH .../status
//   pusher: what became of it ───┘
//
// A patch is a server-side apply under one field manager for all nodes, and names the version it
// was decided on: if the object has changed meanwhile it is refused (409), and decided again on
// what comes. One at a time, after a random wait, in which another node may have said the same. One
// that cannot be written is tried again less and less often, and holds up no other.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "control/kube/watch/backoff.h"
#include "control/kube/watch/http_transport.h"
#include "control/kube/watch/timer_queue.h"
#include "control/watcher/acceptance.h"

namespace sluice::control {

// One thread: the transport's and the timers'.
class ConditionWriter : private HttpReceiver {
 public:
  // Before a write: kFirstWait, and up to kSpread more.
  static constexpr std::chrono::milliseconds kFirstWait{200};
  static constexpr std::chrono::milliseconds kSpread{2000};
  static constexpr std::chrono::seconds kFirstRetry{5};
  static constexpr std::chrono::seconds kLastRetry{320};

  // Both must outlive the writer. `wall_clock` is for the times in conditions; `node` says who.
  ConditionWriter(HttpTransport& transport, TimerQueue& timers,
                  std::function<std::chrono::system_clock::time_point()> wall_clock,
                  std::string node, Random random);
  ~ConditionWriter() override;
  ConditionWriter(const ConditionWriter&) = delete;
  ConditionWriter& operator=(const ConditionWriter&) = delete;

  // What the API has now: of one object, of all of a kind; or that it is gone. Where the policy
  // itself has `changed`, what was judged was another one.
  void See(const ObjectKey& key, ObjectState state, bool changed);
  void SeeAll(const std::string& kind, std::map<ObjectKey, ObjectState> states,
              const std::set<ObjectKey>& changed);
  void SeeGone(const ObjectKey& key);
  void Judge(const Judgement& judgement);

 private:
  struct Entry {
    ObjectState state;
    std::optional<Judgement> judgement;
    std::string tried;               // the version that a patch was decided on; empty: none is out
    std::optional<Backoff> backoff;  // of one that could not be written
    TimerQueue::Id retry = TimerQueue::kNone;  // until then it is left alone
  };
  using Entries = std::map<ObjectKey, Entry>;

  void OnHead(const HttpHead& head) override { status_ = head.status; }
  bool OnBody(std::string_view) override { return true; }
  void OnEnd(const absl::Status& status) override;

  std::optional<AcceptedCondition> Wanted(const Entry& entry) const;
  void Consider(const ObjectKey& key, Entry& entry);
  void WriteNext();
  void Failed(const std::string& why);
  void Retry(const ObjectKey& key);
  void Forget(Entry& entry);
  void Wait(std::chrono::milliseconds delay);
  std::chrono::milliseconds FirstWait() const;

  HttpTransport& transport_;
  TimerQueue& timers_;
  const std::function<std::chrono::system_clock::time_point()> wall_clock_;
  const std::string node_;
  const Random random_;
  Entries entries_;
  std::set<ObjectKey> due_;
  ObjectKey writing_;
  HttpTransport::Id request_ = HttpTransport::kNone;
  TimerQueue::Id timer_ = TimerQueue::kNone;
  int status_ = 0;
  std::string complaint_;  // the last one in the log
};

// The request that makes `condition` that of the object, if it still has `resource_version`.
HttpRequest MakeConditionRequest(const ObjectKey& key, const ObjectState& object,
                                 const AcceptedCondition& condition);

}  // namespace sluice::control
