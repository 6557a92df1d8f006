// Callers of AddPort that wait until the pods behind their ports are known.
//
// Owned by the control thread, the only caller. Nobody polls: the controller looks here after each
// change it has carried out, and wakes for the next deadline.
#pragma once

#include <absl/status/status.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/command.h"
#include "control/view.h"

namespace sluice::control {

using Answer = std::function<void(Result)>;

class PolicyWaits {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Wait {
    std::string port;
    std::chrono::milliseconds limit{0};
    TimePoint deadline;
    Outcome outcome;  // what the caller is told when it need not wait any more, but for the epoch
    Answer answer;
  };

  void Add(Wait wait) { waits_.push_back(std::move(wait)); }

  // Answers those whose pods are known in `view`, with its epoch, and those whose ports are gone:
  // Aborted "port NAME: ...".
  void AnswerKnown(const View& view);

  // Takes out those whose time is up at `now`. The caller answers them.
  std::vector<Wait> TakeExpired(TimePoint now);

  // Answers all.
  void Cancel(const absl::Status& why);

  bool IsWaitedFor(const std::string& port) const;
  std::optional<TimePoint> NextDeadline() const;  // nothing: nobody waits

 private:
  std::vector<Wait> waits_;
};

// Why `port`, which is in `view`, still waits: "port NAME: policy is not in force after N ms: pod
// NAMESPACE/NAME: REASON".
absl::Status WhatIsMissing(const View& view, const PolicyWaits::Wait& wait);

}  // namespace sluice::control
