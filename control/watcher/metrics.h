// What the watcher tells Prometheus. docs/watcher.md lists it.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/histogram.h>

#include <chrono>
#include <vector>

#include "control/watcher/status_board.h"

namespace sluice::control {

// Any thread.
class WatcherMetrics : public prometheus::Collectable {
 public:
  // `board` must outlive the metrics.
  explicit WatcherMetrics(const StatusBoard& board);

  // A change of one object: from when it was read to when it was in force on every worker.
  void InForceAfter(std::chrono::steady_clock::duration time) {
    in_force_.Observe(std::chrono::duration<double>(time).count());
  }

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const StatusBoard& board_;
  prometheus::Histogram in_force_;
};

}  // namespace sluice::control
