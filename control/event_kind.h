// What kinds of connection events are called, everywhere.
#pragma once

#include <absl/status/statusor.h>

#include <string_view>

#include "dataplane/connection_event.h"

namespace sluice::control {

// "new", "closed", "denied", "rejected", "observed" or "audited".
const char* EventKindName(dataplane::EventKind kind);
// Error: InvalidArgument that lists them.
absl::StatusOr<dataplane::EventKind> ParseEventKind(std::string_view name);

}  // namespace sluice::control
