// Whether Hyperscan takes the patterns of a policy: asked once, where objects come from outside.
#pragma once

#include <absl/status/status.h>

#include "acl/sluice_policy.h"

namespace sluice::acl {

// Of a policy that passed Validate. Errors: as acl/validate.h's, with the compiler's own message:
// "SluicePolicy a/b: spec.egress[0].content[1].pattern: Unterminated group at index 3." Cost:
// milliseconds a pattern.
absl::Status CheckPatterns(const SluicePolicy& policy);

}  // namespace sluice::acl
