#include "control/view_warnings.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "control/kube/object_warnings.h"
#include "control/policy_warnings.h"

namespace sluice::control {

// A MultiNetworkPolicy without a network is in no network's input.
std::vector<std::string> CollectWarnings(const View& view) {
  std::set<std::string> warnings;
  for (const auto& [name, build] : view.networks) {
    for (std::string& warning : WarningsOf(*build.policy->input))
      warnings.insert(std::move(warning));
  }
  for (const auto& [name, owned] : view.state->multi_policies()) {
    for (std::string& warning : WarningsOf(owned.object)) warnings.insert(std::move(warning));
  }
  return {warnings.begin(), warnings.end()};
}

void LogNewWarnings(const View* before, const View& now) {
  for (const std::string& warning : now.warnings) {
    if (before != nullptr && std::ranges::binary_search(before->warnings, warning)) continue;
    spdlog::warn("{}", warning);
  }
}

}  // namespace sluice::control
