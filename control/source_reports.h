// What sources say of themselves, kept for whoever asks how true the state in force is.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "control/object_key.h"

namespace sluice::control {

// Seconds count back from when the report was made; nothing: it never happened.
struct SourceReport {
  struct Kind {
    std::string name;    // of the resource: "networkpolicies"
    std::string state;   // starting, synced, away, absent, forbidden
    bool known = false;  // all objects have been read once, or there is no such kind
    uint64_t objects = 0;
    std::optional<double> heard_seconds;  // the newest event, bookmark or page
    std::string problem;                  // empty if it is synced
  };
  std::vector<std::string> not_ready;  // why; empty: ready
  std::vector<Kind> kinds;
  std::string version;  // of the last Sync that was acknowledged; empty: none
  uint64_t epoch = 0;   // of the newest acknowledgement
  std::optional<double> acknowledged_seconds;
  std::optional<double> in_force_seconds;  // what the slowest of the newest changes took
  uint64_t pending_changes = 0;
  std::vector<Refusal> refused;  // some of the objects not in force as they were written
  uint64_t refused_objects = 0;  // all of them
};

struct SourceStatus {
  std::string source;
  SourceReport report;  // its seconds count back from now
  double age_seconds = 0;
};

// The newest when any kind was heard; nothing: none was.
std::optional<double> NewestHeardSeconds(const SourceReport& report);

// Any thread.
class SourceReports {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Of one source more, the one that has been silent longest is forgotten.
  static constexpr size_t kMaxSources = 16;

  explicit SourceReports(std::function<Time()> clock) : clock_(std::move(clock)) {}

  void Put(const std::string& source, SourceReport report);
  // The newest of each source, by name.
  std::vector<SourceStatus> List() const;

 private:
  struct Kept {
    SourceReport report;
    Time came{};
  };

  const std::function<Time()> clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Kept> kept_;  // guarded by mutex_
};

}  // namespace sluice::control
