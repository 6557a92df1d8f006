// Every network's compiled policy, and its place in snapshots.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>

#include "control/desired_state.h"
#include "control/policy_build.h"
#include "control/policy_input.h"
#include "dataplane/snapshot.h"

namespace sluice::control {

struct NetworkBuild {
  dataplane::NetworkId id = 0;  // slot in Snapshot::networks for as long as the network is there
  std::shared_ptr<const PolicyBuild> policy;
};
using NetworkBuilds = std::map<std::string, NetworkBuild>;  // by name; `default` has slot 0

// Builds every network of `state`; those whose input is as in `previous` (null: the first) are taken
// from there, and all keep their slots. Errors: BuildPolicy's.
absl::StatusOr<NetworkBuilds> BuildNetworks(const DesiredState& state,
                                            const PolicySettings& settings,
                                            const NetworkBuilds* previous,
                                            const acl::TrieLimits& limits);

}  // namespace sluice::control
