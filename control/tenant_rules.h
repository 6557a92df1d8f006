// Whose the rules of a table are.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "acl/flat_rule.h"
#include "control/object_key.h"

namespace sluice::control {

// Of what the compiler calls "NetworkPolicy default/web" or "AdminNetworkPolicy a".
ObjectKey KeyOfPolicy(std::string_view policy);

// Flat rules by policy. Default denies are nobody's.
std::map<ObjectKey, size_t> CountByPolicy(const acl::RuleTable& table);

// By tenant: by namespace, those of cluster-wide policies under "".
using TenantRules = std::map<std::string, size_t>;
TenantRules CountByTenant(const acl::RuleTable& table);

}  // namespace sluice::control
