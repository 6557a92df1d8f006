// What takes the place of a policy that was refused and never had an accepted version.
#pragma once

#include <optional>

#include "acl/objects.h"
#include "control/object_key.h"

namespace sluice::control {

// A policy that isolates and admits nobody. It selects what the refused policy selects, or the
// whole namespace if that cannot be told, and isolates the directions the refused policy isolates,
// or both if that cannot be told. `refused` is null for a policy that could not be read at all. The
// result passes acl::Validate (its name is made up if the refused one's is no name); there is none
// for a namespace that cannot exist, where nothing can be selected.
std::optional<acl::NetworkPolicy> MakeStandIn(const ObjectName& name,
                                              const acl::NetworkPolicy* refused);

}  // namespace sluice::control
