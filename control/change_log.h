// What has changed since, epoch by epoch: what a result that was computed from an earlier state has
// to catch up with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "control/network_build.h"

namespace sluice::control {

class ChangeLog {
 public:
  // `touched` absent: anything may have changed with that epoch.
  void Add(uint64_t epoch, std::optional<Touched> touched) {
    entries_.emplace_back(epoch, std::move(touched));
  }

  // Nobody will ask for anything before `epoch` any more.
  void StartAt(uint64_t epoch) {
    entries_.clear();
    start_ = epoch;
  }

  // The same, and what changed after `epoch` is still there.
  void Forget(uint64_t epoch) {
    std::erase_if(entries_, [epoch](const auto& entry) { return entry.first <= epoch; });
    start_ = std::max(start_, epoch);
  }

  // Everything that changed after `epoch`. Absent: anything may have, or it is not known any more.
  std::optional<Touched> Since(uint64_t epoch) const {
    if (epoch < start_) return std::nullopt;
    Touched all;
    for (const auto& [at, touched] : entries_) {
      if (at <= epoch) continue;
      if (!touched) return std::nullopt;
      all.endpoints.insert(touched->endpoints.begin(), touched->endpoints.end());
      all.policies.insert(touched->policies.begin(), touched->policies.end());
    }
    return all;
  }

 private:
  uint64_t start_ = 0;
  std::vector<std::pair<uint64_t, std::optional<Touched>>> entries_;
};

}  // namespace sluice::control
