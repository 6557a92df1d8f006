// Whole files into memory, within a bound.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>

namespace sluice::control {

// The content of `path` ("-" is standard input). Errors, "PATH: REASON": NotFound; Unavailable for
// any other reason of the system's; InvalidArgument if it is larger than `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace sluice::control
