// What is in force, for readers on any thread: an immutable copy that the control thread replaces.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/desired_state.h"
#include "control/network_build.h"
#include "control/policy_build.h"
#include "control/policy_input.h"
#include "control/snapshot_builder.h"
#include "dataplane/snapshot.h"

namespace sluice::control {

struct View {
  std::shared_ptr<const DesiredState> state;
  PolicySettings settings;                              // under which `state` was compiled
  std::shared_ptr<const PolicyBuild> policy;            // of the default network
  NetworkBuilds networks;                               // all of them
  std::shared_ptr<const dataplane::Snapshot> snapshot;  // a copy of the published one
  PortPlaces places;
  Workers workers;
  double last_compile_seconds = 0;
  std::chrono::steady_clock::time_point published;  // when every worker ran with the snapshot
  std::string last_error;                           // of the newest build, if it failed
  uint64_t failed_builds = 0;                       // since the start, those in the background too
  std::vector<std::string> warnings;  // control/policy_warnings.h, of all networks, sorted
};

}  // namespace sluice::control
