// Timeouts of connection states as the operator writes them: STATE=SECONDS.
#pragma once

#include <absl/status/status.h>

#include <string_view>

#include "dataplane/tracking.h"

namespace sluice::dataplane {

inline constexpr uint32_t kMaxTimeoutSeconds = 1'000'000;  // 11 days: the clock wraps at 49

// Sets one timeout. InvalidArgument with the text and the reason, and nothing changes.
absl::Status SetTimeout(std::string_view text, Tracking* tracking);

}  // namespace sluice::dataplane
