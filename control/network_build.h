// Every network's compiled policy, and its place in snapshots.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "control/desired_state.h"
#include "control/policy_build.h"
#include "control/policy_input.h"
#include "control/tenant_shares.h"
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

// What alone may differ between two states.
struct Touched {
  std::set<ObjectName> endpoints;
  std::set<ObjectKey> policies;
};

// From one state to the next.
struct StateChange {
  std::shared_ptr<const DesiredState> before;  // null: the first
  std::shared_ptr<const DesiredState> now;
  std::optional<Touched> touched;  // absent: anything may differ
};

struct BuiltNetworks {
  NetworkBuilds builds;
  // What differs, for networks that were there before: those of others are new, or gone with their
  // ports. Everything, for the first.
  VerdictScope scope;
};

// Builds every network of `change.now`. Those whose input is as in `previous` (null: the first) are
// taken from there, those of which endpoints or policies alone changed are updated if they can be,
// and all keep their slots. Errors: BuildPolicy's; CheckShares', with the objects to blame in
// `crossings` (may be null).
absl::StatusOr<BuiltNetworks> BuildNetworks(
    const StateChange& change, const PolicySettings& settings, const NetworkBuilds* previous,
    const BuildLimits& limits, const LearnedMacsLimits& macs, Crossings* crossings = nullptr);

// The network built whole at `change.before`, brought to `change.now`, of which all that differs is
// in `change.touched`. Null: it cannot be brought there without another whole build. Errors:
// UpdatePolicy's.
absl::StatusOr<std::shared_ptr<const PolicyBuild>> CatchUp(const std::string& network,
                                                           PolicyBuild whole,
                                                           const StateChange& change,
                                                           const PolicySettings& settings,
                                                           const BuildLimits& limits);

}  // namespace sluice::control
