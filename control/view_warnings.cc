#include "control/view_warnings.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "control/kube/object_warnings.h"
#include "control/policy_input.h"
#include "control/policy_warnings.h"

namespace sluice::control {

namespace {

// Null: all policies. A MultiNetworkPolicy without a network is in no network's input.
void AddWarnings(const View& view, const std::set<ObjectKey>* which,
                 std::set<std::string>& warnings) {
  const auto add = [&](std::vector<std::string> more) {
    warnings.insert(std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  for (const auto& [name, build] : view.networks) {
    add(WarningsOf(PoliciesOn(*view.state, view.settings, name, which)));
  }
  for (const auto& [name, owned] : view.state->multi_policies()) {
    const bool asked = which == nullptr || which->contains({"MultiNetworkPolicy", name});
    if (asked) add(WarningsOf(owned.object));
  }
}

bool IsClusterWide(std::string_view kind) { return ClusterPolicyKindOf(kind).has_value(); }

}  // namespace

std::vector<std::string> CollectWarnings(const View& view) {
  std::set<std::string> warnings;
  AddWarnings(view, nullptr, warnings);
  return {warnings.begin(), warnings.end()};
}

std::vector<std::string> UpdateWarnings(const std::vector<std::string>& before, const View& now,
                                        const std::set<ObjectKey>& touched) {
  if (touched.empty()) return before;
  std::set<std::string> names;
  bool cluster_wide = false;
  for (const ObjectKey& key : touched) {
    names.insert(key.ToString());
    cluster_wide = cluster_wide || IsClusterWide(key.kind);
  }
  std::set<std::string> warnings;
  for (const std::string& line : before) {
    const std::string object = line.substr(0, line.find(": "));
    const std::string_view kind = std::string_view(object).substr(0, object.find(' '));
    const bool again = names.contains(object) || (cluster_wide && IsClusterWide(kind));
    if (!again) warnings.insert(line);
  }
  AddWarnings(now, &touched, warnings);
  return {warnings.begin(), warnings.end()};
}

void LogNewWarnings(const View* before, const View& now) {
  for (const std::string& warning : now.warnings) {
    if (before != nullptr && std::ranges::binary_search(before->warnings, warning)) continue;
    spdlog::warn("{}", warning);
  }
}

}  // namespace sluice::control
