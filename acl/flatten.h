// NetworkPolicies over classes -> flat rules.
//
// Each allow of a policy becomes one rule for every (source range, destination range, port range);
// below all allows stands a default deny for the isolated classes. Only rules that a local subject
// can hit are made.
#pragma once

#include <absl/status/statusor.h>

#include <span>

#include "acl/class_table.h"
#include "acl/flat_rule.h"
#include "acl/objects.h"
#include "acl/predicates.h"

namespace sluice::acl {

// Beyond this a table is refused before it eats the memory of the machine; what the classifier can
// hold is a limit of its own (TrieLimits).
inline constexpr size_t kMaxFlatRules = 2'000'000;

// `policies` sorted by namespace and name: where two allow the same, the first is the named winner.
// `local` are the classes of local subjects. Errors: ResourceExhausted beyond kMaxFlatRules.
absl::StatusOr<RuleTable> Flatten(std::span<const NetworkPolicy* const> policies,
                                  const PredicateTable& predicates, const ClassTable& classes,
                                  const ClassSet& local);

}  // namespace sluice::acl
