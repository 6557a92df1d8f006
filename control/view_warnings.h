// What the policies in force say without effect (control/policy_warnings.h), over all networks.
#pragma once

#include <string>
#include <vector>

#include "control/view.h"

namespace sluice::control {

// Sorted, each once.
std::vector<std::string> CollectWarnings(const View& view);

// Logs the warnings of `now` that `before` (may be null) has not.
void LogNewWarnings(const View* before, const View& now);

}  // namespace sluice::control
