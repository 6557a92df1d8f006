// How much of a network's flat rules one tenant's policies may become.
//
// What counts is what the compiler makes of the policies, before any trie is built of it: the
// tenant whose own objects take it past its share is refused, whatever room the network has left,
// so that it leaves room to the others. Growth that others cause (a namespace's labels, a node,
// another's pods) is not held against it.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "acl/flat_rule.h"
#include "control/object_key.h"
#include "control/tenant_rules.h"
#include "control/tenant_shares.h"

namespace sluice::control {

class DesiredState;

// What CheckShares compares.
struct ShareChange {
  const DesiredState* before = nullptr;  // null: the first
  const DesiredState& now;
  const TenantRules* rules_before = nullptr;  // of the last whole build; null: none
};

// `tenants` are those of `table`, which was compiled from `change.now`. Errors: ResourceExhausted
// naming the tenant or its object, the figure and the share, if `table` has more rules of it than
// its share and than before, and its policies, pods or ports are others than before. Of its
// policies that came or changed, those that do not fit beside the rest are added to `crossings`: by
// name, whatever order they came in. None, if only pods or ports did. Cost: the tenants; where a
// share is crossed, all objects.
absl::Status CheckShares(const acl::RuleTable& table, const TenantRules& tenants,
                         const ShareChange& change, const std::string& network,
                         Crossings& crossings);

}  // namespace sluice::control
