// How it stands with what was sent to sluiced, for status and metrics.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::control {

struct PushStatus {
  bool in_step = false;  // sluiced has the set, but for what is on its way
  std::string version;   // of the last Sync that was acknowledged; empty: none
  uint64_t epoch = 0;    // of the newest acknowledgement
  std::chrono::steady_clock::time_point acknowledged{};
  // What the slowest of the newest changes took: from when it was read to when every worker ran
  // with it.
  std::optional<std::chrono::steady_clock::duration> newest_changes;
  std::string problem;  // why it is not in step; empty if it is, or a kind is not known yet
  // Since the start.
  uint64_t syncs = 0;
  uint64_t changes = 0;  // calls with changes
  uint64_t failures = 0;
  uint64_t lost = 0;  // times that sluiced no longer had the set
};

}  // namespace sluice::control
