// What of a tenant (control/tenant_shares.h) is not the same in two states.
#pragma once

#include <string>

#include "control/desired_state.h"
#include "control/object_key.h"

namespace sluice::control {

// Whether its policies, pods or ports are others. Cost: all objects.
bool HasChanged(const std::string& tenant, const DesiredState& before, const DesiredState& now);

// A policy that is the same in both, which may be one state.
bool IsAsBefore(const ObjectKey& policy, const DesiredState& before, const DesiredState& now);

// Whether what is there of the policy stands in for one that was refused: no tenant's doing.
bool IsStandIn(const ObjectKey& policy, const DesiredState& now);

// For people: "namespace web", "cluster-wide policies".
std::string TenantText(const std::string& tenant);

}  // namespace sluice::control
