#include "control/change_diff.h"

#include <utility>

#include "control/policy_input.h"

namespace sluice::control {

absl::StatusOr<std::vector<NetworkDiff>> DiffChange(const View& view,
                                                    std::span<const Candidate> objects,
                                                    std::span<const ObjectKey> removed,
                                                    size_t most) {
  DesiredState state = *view.state;
  if (absl::Status s = state.Rehearse(objects, removed); !s.ok()) return s;
  std::vector<NetworkDiff> diffs;
  for (const auto& [name, build] : view.networks) {
    const acl::PolicyInput after = MakePolicyInput(state, view.settings, name);
    auto diff = DiffNetwork(name, *build.policy->input, after, most);
    if (!diff.ok()) return diff.status();
    most -= diff->flips.size();
    diffs.push_back(*std::move(diff));
  }
  return diffs;
}

}  // namespace sluice::control
