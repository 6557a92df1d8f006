// What the watcher says of itself: what each part last told, for whoever asks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/kube/watch/kind_status.h"
#include "control/watcher/cluster_set.h"
#include "control/watcher/push_status.h"
#include "control/watcher/refusal_book.h"

namespace sluice::control {

struct StatusReport {
  struct Kind {
    std::string name;  // the resource's
    KindStatus status;
    size_t objects = 0;
    std::optional<double> heard_seconds;  // since its last progress; nothing: there was none
    double age_seconds = 0;               // the same; 0 while it is watched
  };
  std::vector<Kind> kinds;
  PushStatus push;
  double acknowledged_seconds_ago = 0;
  size_t pending = 0;
  std::vector<Refusal> refused;
  std::vector<std::string> not_ready;  // why; empty: ready
};

// Any thread.
class StatusBoard {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Both must outlive the board. A kind that is away for longer than `max_age` is not ready.
  StatusBoard(const ClusterSet& set, const RefusalBook& refusals, std::chrono::seconds max_age,
              std::function<Time()> clock)
      : set_(set), refusals_(refusals), max_age_(max_age), clock_(std::move(clock)) {}

  // `object_kind` as in ObjectKey.
  void Tell(const std::string& object_kind, const std::string& name, const KindStatus& status);
  void Tell(const PushStatus& status);

  StatusReport Report() const;

 private:
  struct Told {
    std::string object_kind;
    std::string name;
    KindStatus status;
  };
  void AddReasons(StatusReport* report) const;

  const ClusterSet& set_;
  const RefusalBook& refusals_;
  const std::chrono::seconds max_age_;
  const std::function<Time()> clock_;
  mutable std::mutex mutex_;
  std::vector<Told> kinds_;  // guarded by mutex_, as is push_
  PushStatus push_;
};

nlohmann::json ToJson(const StatusReport& report);

}  // namespace sluice::control
