// The switch's mode by name.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "dataplane/snapshot.h"

namespace sluice::control {

const char* ModeName(dataplane::Mode mode);  // "enforce", "observe"
// Errors: InvalidArgument "mode: ...".
absl::StatusOr<dataplane::Mode> ParseMode(const std::string& text);

}  // namespace sluice::control
