// The kinds of object that are watched: where the API server has them, what is kept of each, and
// how it is read.
#pragma once

#include <absl/status/statusor.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/kube/manifest.h"
#include "control/kube/watch/resource.h"

namespace sluice::control {

struct WatchedKind {
  std::string kind;         // as ObjectKey has it: a pod is an "Endpoint"
  std::string api_kind;     // as the API has it
  std::string api_version;  // for references to an object; of several, the preferred one
  bool namespaced = false;
  bool has_condition = false;  // its status says whether it is accepted (acceptance.h)
  Resource resource;
  // Null: only counted.
  absl::StatusOr<Object> (*read)(const nlohmann::json& tree) = nullptr;
};

// Every one of them, in the order that they are listed in.
const std::vector<WatchedKind>& WatchedKinds();

}  // namespace sluice::control
