// What the policies in force say without effect (control/policy_warnings.h), over all networks.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "control/view.h"

namespace sluice::control {

// Sorted, each once.
std::vector<std::string> CollectWarnings(const View& view);

// The same of a view that differs from one with the warnings `before` in the `touched` policies
// and in endpoints. Cost: those policies, or all cluster-wide ones if there are some among them.
std::vector<std::string> UpdateWarnings(const std::vector<std::string>& before, const View& now,
                                        const std::set<ObjectKey>& touched);

// Logs the warnings of `now` that `before` (may be null) has not.
void LogNewWarnings(const View* before, const View& now);

}  // namespace sluice::control
