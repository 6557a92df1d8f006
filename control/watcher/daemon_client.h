// What the watcher asks of sluiced.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "control/source_reports.h"
#include "control/watcher/cluster_set.h"

namespace sluice::control {

struct InForce {
  uint64_t epoch = 0;  // run by every worker, with the change in it
  std::vector<Refusal> refusals;
};

// One thread, which waits for the answers. Errors are sluiced's own, or Unavailable.
class DaemonClient {
 public:
  virtual ~DaemonClient() = default;
  // Replaces all that our source owns.
  virtual absl::StatusOr<InForce> Sync(const std::string& version,
                                       std::span<const ClusterSet::Item> objects) = 0;
  // Changes some of it. FailedPrecondition if `after` is not the version of our last Sync there;
  // ResourceExhausted if it is too much for one message.
  virtual absl::StatusOr<InForce> Apply(const std::string& after,
                                        const ClusterSet::Batch& changes) = 0;
  // Tells how we stand, and hears the version of our last Sync there; empty: none.
  virtual absl::StatusOr<std::string> Report(const SourceReport& report) = 0;
  // What runs and what comes fails. Any thread.
  virtual void Cancel() = 0;
};

}  // namespace sluice::control
