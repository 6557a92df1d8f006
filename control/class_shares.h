// How many of a network's classes one tenant's policies may make.
//
// What counts is how many there would be less without them: what is told apart by others too is
// nobody's. So it does not matter whose pods they are. As with rules (control/rule_shares.h) a
// tenant is refused what its own objects take it past its share with, and growth that others cause
// is not held against it.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "control/desired_state.h"
#include "control/policy_build.h"
#include "control/tenant_shares.h"

namespace sluice::control {

// What CheckClassShares compares: two states, and a network built of each.
struct ClassChange {
  const DesiredState* before = nullptr;  // null: the first
  const DesiredState& now;
  const PolicyBuild* build_before = nullptr;  // null: none; its overlays are not looked at
  const PolicyBuild& build_now;
};

// Errors: ResourceExhausted naming the tenant or its object, the figure and the share, if the
// tenant's policies make more classes than its share and than before, and its policies, pods or
// ports are others than before. Of its policies that came or changed, the first by name that fit
// together stay, and the others are added to `crossings`; none, if only pods or ports did. Cost:
// nothing below the smallest share, then the signatures of all classes.
absl::Status CheckClassShares(const ClassChange& change, const std::string& network,
                              Crossings& crossings);

}  // namespace sluice::control
