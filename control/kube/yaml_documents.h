// YAML text -> trees. Use control/kube/documents.h.
#pragma once

#include <absl/status/statusor.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "control/kube/tree_builder.h"

namespace sluice::control {

// Any number of documents, the empty ones left out. Errors: InvalidArgument "line N: REASON".
absl::StatusOr<std::vector<nlohmann::json>> ReadYamlDocuments(std::string_view text,
                                                              const TreeLimits& limits);

}  // namespace sluice::control
