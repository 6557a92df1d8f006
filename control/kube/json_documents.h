// JSON text -> trees. Use control/kube/documents.h.
#pragma once

#include <absl/status/statusor.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "control/kube/tree_builder.h"

namespace sluice::control {

// One value, or several one after another. Errors: InvalidArgument "line N: REASON".
absl::StatusOr<std::vector<nlohmann::json>> ReadJsonDocuments(std::string_view text,
                                                              const TreeLimits& limits);

}  // namespace sluice::control
