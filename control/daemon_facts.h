// What does not change while the daemon runs, for status.
#pragma once

#include <chrono>
#include <vector>

namespace sluice::control {

struct DaemonFacts {
  std::chrono::steady_clock::time_point started;
  bool huge_pages = false;
  std::vector<int> worker_cores;  // by worker
};

}  // namespace sluice::control
