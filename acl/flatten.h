// Policies over classes -> flat rules.
//
// Each rule of a policy becomes one flat rule for every (source range, destination range, port
// range); below all allows of the NetworkPolicy tier stands a default deny for the isolated
// classes. Only rules that one of the subjects can hit are made.
#pragma once

#include <absl/status/statusor.h>

#include <span>

#include "acl/flat_rule.h"
#include "acl/lowering.h"
#include "acl/universe.h"

namespace sluice::acl {

// Beyond this a table is refused before it eats the memory of the machine; what the classifier can
// hold is a limit of its own (TrieLimits).
inline constexpr size_t kMaxFlatRules = 2'000'000;

enum class WithAudit : uint8_t { kNo, kYes };

// `policies` in winning order (acl/lowering.h), all of them known to `universe`; those that are
// audited count only with kYes. `subjects` are classes of `universe`. Errors: ResourceExhausted
// beyond kMaxFlatRules.
absl::StatusOr<RuleTable> Flatten(std::span<const LoweredPolicy> policies, const Universe& universe,
                                  const ClassSet& subjects, WithAudit audit = WithAudit::kNo);

}  // namespace sluice::acl
