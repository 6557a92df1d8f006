// The text of a manifest file -> its documents as trees: YAML or JSON, one or several.
//
// What the trees mean is the readers' matter (control/kube/readers.h). As with kubectl, a file that
// begins with `{` is JSON (one value, or several one after another), any other is YAML. Scalars of
// YAML: control/kube/scalar.h.
#pragma once

#include <absl/status/statusor.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "control/kube/tree_builder.h"

namespace sluice::control {

// Without empty documents, in file order. Errors: InvalidArgument "line N: REASON" for text that
// does not parse, a key that is there twice, a tag other than YAML's own, or a limit exceeded.
absl::StatusOr<std::vector<nlohmann::json>> ReadDocuments(std::string_view text,
                                                          const TreeLimits& limits = {});

}  // namespace sluice::control
