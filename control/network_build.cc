#include "control/network_build.h"

#include <set>
#include <utility>

namespace sluice::control {
namespace {

using dataplane::NetworkId;

constexpr uint32_t kMsPerSecond = 1000;

const NetworkBuild* Find(const NetworkBuilds* builds, const std::string& name) {
  if (builds == nullptr) return nullptr;
  auto it = builds->find(name);
  return it == builds->end() ? nullptr : &it->second;
}

// The slots of networks that are there already; 0 is always default's.
std::set<NetworkId> TakenSlots(const DesiredState& state, const NetworkBuilds* previous) {
  std::set<NetworkId> taken = {0};
  for (const auto& [name, spec] : state.ports().networks()) {
    if (const NetworkBuild* old = Find(previous, name)) taken.insert(old->id);
  }
  return taken;
}

NetworkId TakeSlot(std::set<NetworkId>& taken) {
  NetworkId id = 0;
  while (taken.contains(id)) ++id;
  taken.insert(id);
  return id;
}

}  // namespace

absl::StatusOr<NetworkBuilds> BuildNetworks(const DesiredState& state,
                                            const PolicySettings& settings,
                                            const NetworkBuilds* previous,
                                            const acl::TrieLimits& limits,
                                            const LearnedMacsLimits& macs) {
  NetworkBuilds builds;
  std::set<NetworkId> taken = TakenSlots(state, previous);
  for (const auto& [name, spec] : state.ports().networks()) {
    const NetworkBuild* old = Find(previous, name);
    NetworkBuild& build = builds[name];
    if (old != nullptr) {
      build.id = old->id;
      build.learned = old->learned;
    } else {
      build.id = name == kDefaultNetwork ? NetworkId{0} : TakeSlot(taken);
      build.learned =
          std::make_shared<dataplane::LearnedMacs>(macs.capacity, macs.max_age_s * kMsPerSecond);
    }
    acl::PolicyInput input = MakePolicyInput(state, settings, name);
    if (old != nullptr && *old->policy->input == input) {
      build.policy = old->policy;
      continue;
    }
    auto policy =
        BuildPolicy(std::move(input), old == nullptr ? nullptr : old->policy.get(), limits);
    if (!policy.ok()) return policy.status();
    build.policy = std::make_shared<const PolicyBuild>(*std::move(policy));
  }
  return builds;
}

VerdictScope CompareNetworks(const NetworkBuilds* previous, const NetworkBuilds& now) {
  VerdictScope scope;
  scope.everything = previous == nullptr;
  for (const auto& [name, build] : now) {
    const NetworkBuild* old = Find(previous, name);
    if (old == nullptr || old->policy == build.policy) continue;
    VerdictScope own = CompareBuilds(old->policy.get(), *build.policy);
    scope.everything = scope.everything || own.everything;
    scope.subjects.merge(own.subjects);
    scope.addresses.merge(own.addresses);
    scope.new_owners.merge(own.new_owners);
  }
  return scope;
}

}  // namespace sluice::control
