// Every network's compiled policy, and its place in snapshots.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>

#include "control/desired_state.h"
#include "control/policy_build.h"
#include "control/policy_input.h"
#include "control/verdict_scope.h"
#include "dataplane/learned_macs.h"
#include "dataplane/snapshot.h"

namespace sluice::control {

struct NetworkBuild {
  dataplane::NetworkId id = 0;  // slot in Snapshot::networks for as long as the network is there
  std::shared_ptr<const PolicyBuild> policy;
  std::shared_ptr<dataplane::LearnedMacs> learned;  // lives as long as the network
};
using NetworkBuilds = std::map<std::string, NetworkBuild>;  // by name; `default` has slot 0

// How many addresses a network learns, and for how long.
struct LearnedMacsLimits {
  uint32_t capacity = 4096;
  uint32_t max_age_s = 300;
};

// Builds every network of `state`; those whose input is as in `previous` (null: the first) are
// taken from there, and all keep their slots. Errors: BuildPolicy's.
absl::StatusOr<NetworkBuilds> BuildNetworks(const DesiredState& state,
                                            const PolicySettings& settings,
                                            const NetworkBuilds* previous,
                                            const acl::TrieLimits& limits,
                                            const LearnedMacsLimits& macs);

// What differs between two sets of builds, for networks that are in both: those of others are new,
// or gone with their ports. `previous` may be null: then everything is touched.
VerdictScope CompareNetworks(const NetworkBuilds* previous, const NetworkBuilds& now);

}  // namespace sluice::control
