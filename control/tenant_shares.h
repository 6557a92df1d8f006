// How much of what all share one tenant may take. A tenant is a namespace; cluster-wide policies
// are one together, and its name is "".
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <map>
#include <string>

#include "control/object_key.h"

namespace sluice::control {

struct TenantShares {
  size_t a_namespace = 0;
  size_t cluster_wide = 0;
  bool operator==(const TenantShares&) const = default;

  size_t Of(const std::string& tenant) const { return tenant.empty() ? cluster_wide : a_namespace; }
};

// Objects that take their tenant past its share, each with why.
using Crossings = std::map<ObjectKey, absl::Status>;

}  // namespace sluice::control
