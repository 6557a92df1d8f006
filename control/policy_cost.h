// What the policies of one network cost: rules, classes, tries, time, and who is to blame.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "control/policy_build.h"

namespace sluice::control {

// One policy's part of the flat rules.
struct PolicyShare {
  std::string policy;     // "NetworkPolicy default/db"
  size_t rules = 0;       // of its own that became flat rules
  size_t flat_rules = 0;  // that they became; default denies are nobody's
  bool operator==(const PolicyShare&) const = default;
};

// Of one trie.
struct DirectionCost {
  size_t flat_rules = 0;
  size_t bytes = 0;
};

struct RuleSetCost {
  std::array<DirectionCost, acl::kDirections> directions;
  size_t default_denies = 0;  // of the flat rules
  TrieCost tries;
};

// Of what stands beside the base until it is built anew: of all overlays together.
struct OverlayCost {
  size_t pods = 0;     // that it judges
  size_t edited = 0;   // policies that the base has an earlier version of
  size_t classes = 0;  // of their own, beside the base's
  RuleSetCost in_force;
};

struct PolicyCost {
  size_t policies = 0;
  size_t rules = 0;  // as written
  size_t classes = 0;
  RuleSetCost in_force;
  std::optional<RuleSetCost> audit;  // tries of their own, with audited policies in force too
  std::optional<OverlayCost> overlay;
  BuildCost build;                // of the base
  std::vector<PolicyShare> most;  // of base and overlays, the costliest first
};
inline constexpr size_t kMostPolicies = 10;

// Cost: all policies and flat rules.
PolicyCost CostOf(const PolicyBuild& build);

}  // namespace sluice::control
