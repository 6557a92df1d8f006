// Keeps sluiced at what the ClusterSet holds: the whole set once, then changes that continue from
// it. Whenever sluiced does not have that set (it was restarted, a call failed, somebody else
// synced our source), the whole set again. Tells sluiced how the watcher stands, all the while.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "control/kube/watch/backoff.h"
#include "control/watcher/cluster_set.h"
#include "control/watcher/daemon_client.h"
#include "control/watcher/push_status.h"
#include "control/watcher/refusal_book.h"

namespace sluice::control {

// One thread.
class Pusher {
 public:
  using Time = ClusterSet::Time;
  using Duration = std::chrono::steady_clock::duration;

  struct Hooks {
    std::function<Time()> clock;
    std::function<void(const PushStatus&)> on_status;
    std::function<void(Duration)> on_in_force;  // of each change: since it was read
    std::function<SourceReport()> report;       // how the watcher stands
    // What became of what was sent.
    std::function<void(const ClusterSet::Batch&, const std::vector<Refusal>&)> on_judged;
  };
  struct Pause {
    Duration length;
    bool until_change;  // it may end earlier, when there is a change
  };

  // How often sluiced is told how the watcher stands; half as often while there are changes, which
  // do not wait for it. Its answer says if it still has the set.
  static constexpr std::chrono::milliseconds kReportPeriod{500};
  // Refused objects are sent again after that long, then after twice as long each time: the object
  // of another source may have gone that stood in their way, or there may be room now.
  static constexpr std::chrono::seconds kFirstRefusalRetry{5};
  static constexpr std::chrono::seconds kLastRefusalRetry{320};
  // More changes than this are sent as a whole set.
  static constexpr size_t kMaxChanges = 5000;

  // All of it must outlive the pusher. `instance` sets this process's versions apart from others'.
  Pusher(ClusterSet& set, DaemonClient& client, RefusalBook& refusals, std::string instance,
         Random random, Hooks hooks);

  // Does the next thing there is to do, and says how long to wait for the one after it.
  Pause Step();
  // Steps until the set is closed.
  void Run();

 private:
  Pause SendAll();
  Pause SendChanges(ClusterSet::Batch changes);
  bool IsReportDue() const;
  // Whether sluiced has the set that it should; not asked before a report is due.
  absl::Status Report();
  void NotReported(const absl::Status& why);
  // Whether there is something to send now.
  bool RetryRefused();
  Pause Failed(const absl::Status& status);
  Pause NotSent(ClusterSet::Batch batch, const absl::Status& status);
  void Acknowledged(const ClusterSet::Batch& sent, const InForce& answer);

  ClusterSet& set_;
  DaemonClient& client_;
  RefusalBook& refusals_;
  const std::string instance_;
  Backoff backoff_;
  const Hooks hooks_;
  PushStatus status_;
  uint64_t last_version_ = 0;
  Time reported_{};
  Time next_send_{};            // after a failure nothing but reports is sent until then
  bool away_ = false;           // that failure was that nobody answered
  std::string report_problem_;  // the last one in the log
  Time refusals_retried_{};
  std::chrono::seconds refusal_retry_ = kFirstRefusalRetry;
};

}  // namespace sluice::control
