#include "control/network_build.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "control/class_shares.h"
#include "control/rule_shares.h"

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

// The endpoints of one network that differ, of those that may.
std::vector<EndpointChange> ChangesOn(const std::string& network, const StateChange& change,
                                      const PolicySettings& settings) {
  std::vector<EndpointChange> changes;
  if (change.touched->endpoints.empty()) return changes;
  const EndpointJoin before(*change.before, settings, network);
  const EndpointJoin now(*change.now, settings, network);
  for (const ObjectName& name : change.touched->endpoints) {
    EndpointChange endpoint{name, before.Find(name), now.Find(name)};
    if (endpoint.before != endpoint.now) changes.push_back(std::move(endpoint));
  }
  return changes;
}

// Whether an address that a port here may use has another claimant, port or pod. Whose it is then
// depends on who is local, and in an overlay only its own pods are.
bool SharesAddresses(const DesiredState& state, const std::string& network) {
  std::set<acl::IpAddress> own, allowed;
  for (const auto& [name, spec] : state.ports().specs()) {
    if (spec.network != network || spec.role != dataplane::PortRole::kPod) continue;
    for (const acl::IpAddress& address : spec.addresses) {
      if (!own.insert(address).second) return true;
    }
    for (const dataplane::AllowedAddress& more : spec.allowed) {
      const bool listed = std::ranges::count(spec.addresses, more.block.base) > 0;
      if (more.IsSingle() && !listed && !allowed.insert(more.block.base).second) return true;
    }
  }
  if (allowed.empty()) return false;
  const auto claims = [&](const acl::IpAddress& address) { return allowed.contains(address); };
  if (std::ranges::any_of(own, claims)) return true;
  return std::ranges::any_of(state.endpoints(), [&](const auto& entry) {
    const acl::Endpoint& endpoint = entry.second.object;
    return std::ranges::any_of(endpoint.addresses, claims) ||
           std::ranges::any_of(endpoint.attachments, [&](const acl::Attachment& attachment) {
             return std::ranges::any_of(attachment.addresses, claims);
           });
  });
}

void Merge(VerdictScope more, VerdictScope& scope) {
  scope.everything = scope.everything || more.everything;
  scope.subjects.merge(more.subjects);
  scope.addresses.merge(more.addresses);
  scope.new_owners.merge(more.new_owners);
}

// Builds the policy of one network after the other.
class NetworksBuilder {
 public:
  using Policy = std::shared_ptr<const PolicyBuild>;

  NetworksBuilder(const StateChange& change, const PolicySettings& settings,
                  const BuildLimits& limits)
      : change_(change), settings_(settings), limits_(limits) {}

  Crossings TakeCrossings() { return std::move(crossings_); }

  absl::StatusOr<Policy> Build(const std::string& network, const NetworkBuild* old) {
    if (old != nullptr && change_.touched) {
      absl::StatusOr<Policy> updated = Update(network, old->policy);
      if (!updated.ok() || *updated != nullptr) return updated;
    }
    acl::PolicyInput input = MakePolicyInput(*change_.now, settings_, network);
    if (old != nullptr && old->policy->IsWhole() && *old->policy->input == input) {
      return old->policy;
    }
    auto built = BuildPolicy(std::move(input), old == nullptr ? nullptr : old->policy.get(),
                             limits_, [&](const PolicyBuild& now, const PolicyBuild* before) {
                               return Check(network, now, before);
                             });
    if (!built.ok()) return built.status();
    auto policy = std::make_shared<const PolicyBuild>(*std::move(built));
    if (old != nullptr) Merge(CompareBuilds(old->policy.get(), *policy), scope_);
    return policy;
  }

  VerdictScope TakeScope() { return std::move(scope_); }

  // Null: there is no way around a whole build.
  absl::StatusOr<Policy> Update(const std::string& network, const Policy& old) {
    const std::vector<EndpointChange> endpoints = ChangesOn(network, change_, settings_);
    PolicyEdits edits =
        EditsOf(*change_.before, *change_.now, settings_, network, change_.touched->policies);
    if (endpoints.empty() && edits.policies.empty()) return old;
    const bool local = std::ranges::any_of(endpoints, [](const EndpointChange& change) {
      return (change.before && change.before->local) || (change.now && change.now->local);
    });
    const bool overlays = local || !old->overlays.empty() || !edits.policies.empty();
    if (overlays && SharesAddresses(*change_.now, network)) return nullptr;
    const PolicyChange change{
        .endpoints = endpoints,
        .edited = std::move(edits.policies),
        .selected = edits.subjects,
        .rules = change_.now->limits().rules,
        .classes = change_.now->limits().classes,
        .input = LazyInput([state = change_.now, settings = settings_, network] {
          return MakePolicyInput(*state, settings, network);
        }),
        .overlay_input = [&](const std::set<acl::MemberName>& pods) {
          return MakeOverlayInput(*change_.now, settings_, network, pods);
        }};
    absl::StatusOr<std::optional<PolicyBuild>> updated = UpdatePolicy(*old, change, limits_);
    if (!updated.ok()) return updated.status();
    if (!*updated) return nullptr;
    auto policy = std::make_shared<const PolicyBuild>(**std::move(updated));
    Merge(CompareEndpoints(*old, *policy, endpoints), scope_);
    scope_.subjects.merge(edits.subjects);
    return policy;
  }

 private:
  absl::Status Check(const std::string& network, const PolicyBuild& now,
                     const PolicyBuild* before) {
    for (RuleSet LayerBuild::*which : {&LayerBuild::in_force, &LayerBuild::audit}) {
      const RuleSet& rules = now.base.*which;
      if (rules.rules == nullptr) continue;
      const ShareChange change{
          .before = change_.before.get(),
          .now = *change_.now,
          .rules_before = before == nullptr ? nullptr : (before->base.*which).tenants.get()};
      absl::Status fits = CheckShares(*rules.rules, *rules.tenants, change, network, crossings_);
      if (!fits.ok()) return fits;
    }
    const ClassChange change{.before = change_.before.get(),
                             .now = *change_.now,
                             .build_before = before,
                             .build_now = now};
    return CheckClassShares(change, network, crossings_);
  }

  const StateChange& change_;
  const PolicySettings& settings_;
  const BuildLimits& limits_;
  VerdictScope scope_;
  Crossings crossings_;
};

}  // namespace

absl::StatusOr<BuiltNetworks> BuildNetworks(const StateChange& change,
                                            const PolicySettings& settings,
                                            const NetworkBuilds* previous,
                                            const BuildLimits& limits,
                                            const LearnedMacsLimits& macs, Crossings* crossings) {
  BuiltNetworks built;
  NetworksBuilder builder(change, settings, limits);
  std::set<NetworkId> taken = TakenSlots(*change.now, previous);
  for (const auto& [name, spec] : change.now->ports().networks()) {
    const NetworkBuild* old = Find(previous, name);
    NetworkBuild& build = built.builds[name];
    if (old != nullptr) {
      build.id = old->id;
      build.learned = old->learned;
    } else {
      build.id = name == kDefaultNetwork ? NetworkId{0} : TakeSlot(taken);
      build.learned =
          std::make_shared<dataplane::LearnedMacs>(macs.capacity, macs.max_age_s * kMsPerSecond);
    }
    auto policy = builder.Build(name, old);
    if (crossings != nullptr) crossings->merge(builder.TakeCrossings());
    if (!policy.ok()) return policy.status();
    build.policy = *std::move(policy);
  }
  built.scope = builder.TakeScope();
  built.scope.everything = built.scope.everything || previous == nullptr;
  return built;
}

absl::StatusOr<std::shared_ptr<const PolicyBuild>> CatchUp(const std::string& network,
                                                           PolicyBuild whole,
                                                           const StateChange& change,
                                                           const PolicySettings& settings,
                                                           const BuildLimits& limits) {
  NetworksBuilder builder(change, settings, limits);
  return builder.Update(network, std::make_shared<const PolicyBuild>(std::move(whole)));
}

}  // namespace sluice::control
