// What the policies of one network say that has no effect, or none that can be relied on.
#pragma once

#include <string>
#include <vector>

#include "acl/compiler.h"

namespace sluice::control {

// "KIND NAME: FIELD: REASON", a line each, in a stable order: extensions/v1beta1 policies in
// namespaces without the annotation that gives them effect, cluster-wide policies of one tier and
// priority, and what control/kube/object_warnings.h finds in each object. Cost: linear.
std::vector<std::string> WarningsOf(const acl::PolicyInput& input);

// The part that other objects decide, not the policy alone.
std::vector<std::string> WarningsOfTogether(const acl::PolicyInput& input);

}  // namespace sluice::control
