#include "control/policy_build.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

class Stopwatch {
 public:
  // Seconds since the last call, or since it was made.
  double Lap() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> lap = now - last_;
    last_ = now;
    return lap.count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// `table` without numbers or classifier, or `previous` if it has the same rules: without its
// classifier if that is one for other subjects.
RuleSet MakeRules(acl::RuleTable table, const RuleSet* previous, bool same_subjects) {
  const bool same = previous != nullptr && previous->rules != nullptr && *previous->rules == table;
  if (same && same_subjects) return *previous;
  if (same) {
    return {.rules = previous->rules,
            .rule_ids = previous->rule_ids,
            .classifier = nullptr,
            .content = nullptr,
            .tenants = previous->tenants,
            .cost = {}};
  }
  RuleSet set;
  set.tenants = std::make_shared<const TenantRules>(CountByTenant(table));
  set.rules = std::make_shared<const acl::RuleTable>(std::move(table));
  return set;
}

struct ProofEffort {
  acl::ProofLimits trie;
  acl::MeaningLimits meaning;
};
constexpr ProofEffort kOverlayEffort = {
    .trie = {.max_atoms = kOverlayAtoms},
    .meaning = {.fewest = kOverlayProbes, .most = kOverlayProbes}};

// A classifier for `set`, proven, unless it has one.
absl::Status Classify(RuleSet& set, const LayerBuild& layer, const BuildLimits& limits,
                      const acl::ProofLimits& effort) {
  if (set.classifier != nullptr) return absl::OkStatus();
  Stopwatch watch;
  auto trie = acl::TrieClassifier::Build(*set.rules, limits.trie, &layer.subjects);
  if (!trie.ok()) return trie.status();
  set.cost.build_seconds = watch.Lap();
  const auto proof =
      acl::ProveTrie(*set.rules, **trie, layer.universe->classes().size(), layer.subjects, effort);
  if (!proof.ok()) return proof.status();
  set.cost.proof_seconds = watch.Lap();
  set.cost.proof = *proof;
  auto content = acl::ContentMatcher::Build(*set.rules, limits.databases, limits.workers);
  if (!content.ok()) return content.status();
  set.content = *std::move(content);
  set.classifier = *std::move(trie);
  return absl::OkStatus();
}

// Holds what `set` says against what the objects mean.
absl::Status ProveMeaning(const acl::PolicyInput& input, const LayerBuild& layer,
                          const RuleSet& set, const acl::MeaningLimits& effort, BuildCost& cost) {
  Stopwatch watch;
  const auto probes = acl::ProveMeaning({.input = input,
                                         .population = layer.population,
                                         .table = *set.rules,
                                         .trie = *set.classifier,
                                         .audit = &set == &layer.audit},
                                        effort);
  if (!probes.ok()) return probes.status();
  cost.probes += *probes;
  cost.meaning_seconds += watch.Lap();
  return absl::OkStatus();
}

void TakeRules(acl::RuleTables tables, const LayerBuild* previous, LayerBuild& layer) {
  const bool same_subjects = previous != nullptr && previous->subjects == layer.subjects;
  const auto make = [&](acl::RuleTable table, RuleSet LayerBuild::*which) {
    return MakeRules(std::move(table), previous == nullptr ? nullptr : &(previous->*which),
                     same_subjects);
  };
  layer.in_force = make(std::move(tables.table), &LayerBuild::in_force);
  if (tables.audit_table) layer.audit = make(*std::move(tables.audit_table), &LayerBuild::audit);
}

// Without numbers and classifiers.
absl::StatusOr<LayerBuild> CompileLayer(const acl::PolicyInput& input, const LayerBuild* previous) {
  Stopwatch watch;
  auto parts = acl::CompileParts(input);
  if (!parts.ok()) return parts.status();
  LayerBuild layer;
  layer.universe = std::move(parts->universe);
  layer.subjects = layer.universe->local();
  layer.population = std::move(parts->population);
  const acl::AddressMap& addresses = layer.population.addresses();
  layer.addresses = previous != nullptr && *previous->addresses == addresses
                        ? previous->addresses
                        : std::make_shared<const acl::AddressMap>(addresses);
  TakeRules(*std::move(parts), previous, layer);
  layer.cost.compile_seconds = watch.Lap();
  return layer;
}

// Everybody is where `base` has them, whose classes `layer` has.
void Follow(const LayerBuild& base, LayerBuild& layer) {
  layer.population = base.population;
  layer.addresses = base.addresses;
}

acl::ClassSet ClassesOf(const std::set<acl::MemberName>& pods, const acl::Population& population) {
  std::set<acl::ClassId> ids;
  for (const acl::MemberName& pod : pods) {
    const acl::Member* member = population.Find(pod);
    if (member != nullptr) ids.insert({member->subject.v4, member->subject.v6});
  }
  acl::ClassSet classes;
  for (const acl::ClassId id : ids) classes.Append(id);
  return classes;
}

// For `pods`; `previous`, which may be null, stood beside the same base.
absl::StatusOr<LayerBuild> CompileOverlay(const acl::PolicyInput& input,
                                          const std::set<acl::MemberName>& pods,
                                          const LayerBuild& base, const LayerBuild* previous) {
  Stopwatch watch;
  // Equal numbers mean equal classes only in one universe.
  const bool follows = previous != nullptr && previous->universe == base.universe;
  LayerBuild layer;
  layer.universe = base.universe;
  layer.subjects = ClassesOf(pods, base.population);
  auto rules = acl::CompileOver(*base.universe, input, layer.subjects);
  if (!rules.ok()) return rules.status();
  if (!*rules) return CompileLayer(input, follows ? nullptr : previous);
  Follow(base, layer);
  TakeRules(**std::move(rules), follows ? previous : nullptr, layer);
  layer.cost.compile_seconds = watch.Lap();
  return layer;
}

absl::Status AddTries(const acl::PolicyInput& input, const BuildLimits& limits,
                      const ProofEffort& effort, LayerBuild& layer) {
  for (RuleSet* set : {&layer.in_force, &layer.audit}) {
    if (set->rules == nullptr) continue;
    absl::Status made = Classify(*set, layer, limits, effort.trie);
    if (made.ok()) made = ProveMeaning(input, layer, *set, effort.meaning, layer.cost);
    if (!made.ok()) return made;
  }
  return absl::OkStatus();
}

using Names = std::shared_ptr<const acl::RuleIds>;

// Numbers the rules of a base; the newest numbers before were `previous` (may be null).
Names NameBase(const Names& previous, RuleSet& set) {
  const bool numbered = set.rule_ids != nullptr;
  if (numbered && set.rule_ids == previous) return previous;
  if (numbered) return acl::RuleIds::Beside(set.rule_ids, previous.get(), {}, {});
  if (set.rules == nullptr) {  // no audit, or no more
    return previous == nullptr ? nullptr : acl::RuleIds::Next(previous.get(), {});
  }
  set.rule_ids = acl::RuleIds::Next(previous.get(), *set.rules);
  return set.rule_ids;
}

// Numbers the rules of the newest overlay's set (null: nothing was compiled) beside those of `base`
// and of the other overlays.
Names NameOverlay(const RuleSet& base, const Names& previous, const std::set<std::string>& edited,
                  std::span<const acl::RuleIds::Neighbour> others, RuleSet* set) {
  Names beside = base.rule_ids;
  const bool none = set == nullptr || set->rules == nullptr;
  if (beside == nullptr) {  // of the audit: the base has none
    if (previous == nullptr && none) return nullptr;
    beside = previous == nullptr ? acl::RuleIds::Next(nullptr, {}) : acl::RuleIds::BaseOf(previous);
  }
  if (none) return acl::RuleIds::Beside(beside, previous.get(), {}, edited, others);
  set->rule_ids = acl::RuleIds::Beside(beside, previous.get(), *set->rules, edited, others);
  return set->rule_ids;
}

// `fresh` is one of the overlays, or null.
RuleNames NameOverlays(const PolicyBuild& build, Overlay* fresh) {
  const auto name = [&](RuleSet LayerBuild::*which, const Names& previous) {
    std::vector<acl::RuleIds::Neighbour> others;
    for (const Overlay& overlay : build.overlays) {
      const RuleSet& set = overlay.layer.*which;
      const bool other = &overlay != fresh && set.rules != nullptr;
      if (other) others.push_back({set.rules.get(), &overlay.edited_since});
    }
    return NameOverlay(build.base.*which, previous, build.edited, others,
                       fresh == nullptr ? nullptr : &(fresh->layer.*which));
  };
  return {name(&LayerBuild::in_force, build.names.in_force),
          name(&LayerBuild::audit, build.names.audit)};
}

// Whether less is known of a node than before.
bool UnsaysNode(const EndpointChange& change, const acl::Universe& universe) {
  if (!change.before || !universe.SpeaksForNode(change.before->endpoint)) return false;
  const acl::Endpoint& before = change.before->endpoint;
  return !change.now || change.now->endpoint.node != before.node ||
         change.now->endpoint.node_addresses != before.node_addresses;
}

bool IsLocal(const std::optional<JoinedEndpoint>& endpoint) { return endpoint && endpoint->local; }

// `layer` with these endpoints changed; adds to `unjudged` those that are local and for which it
// has no rules. False: one does not fit, and the layer is as it was.
bool Move(std::span<const EndpointChange> changes, LayerBuild& layer,
          std::set<acl::MemberName>* unjudged) {
  Stopwatch watch;
  std::vector<acl::Population::Change> placed;
  for (const EndpointChange& change : changes) {
    if (UnsaysNode(change, *layer.universe)) return false;
    if (!change.now) {
      placed.push_back({.name = change.name, .member = {}});
      continue;
    }
    auto place = layer.universe->Place(change.now->endpoint, change.now->local);
    if (!place) return false;
    if (change.now->local && !place->judged) unjudged->insert(change.name);
    placed.push_back(std::move(place->change));
  }
  layer.population.Apply(placed);
  layer.population.Freeze();
  if (!(layer.population.addresses() == *layer.addresses)) {
    layer.addresses = std::make_shared<const acl::AddressMap>(layer.population.addresses());
  }
  layer.cost.compile_seconds = watch.Lap();
  return true;
}

// The pods that need an overlay compiled for them after `change`.
std::set<acl::MemberName> PodsToCompile(const PolicyChange& change,
                                        const std::set<acl::MemberName>& unjudged,
                                        const PolicyBuild& build) {
  std::set<acl::MemberName> pods = unjudged;
  pods.insert(change.selected.begin(), change.selected.end());
  for (const EndpointChange& endpoint : change.endpoints) {
    if (!IsLocal(endpoint.now)) {
      pods.erase(endpoint.name);
    } else if (!build.edited.empty() || &build.LayerOf(endpoint.name) != &build.base) {
      // Whether an edited policy selects it, the base cannot tell.
      pods.insert(endpoint.name);
    }
  }
  return pods;
}

// Brings the overlays after `change`, as `base` is already, those that can be without compiling;
// pods of the others are added to `pods`, which no overlay has any more in the end. Where there is
// no room for one more, the newest are given up, and each older one that has no more pods than all
// of those: so pods are compiled again a few times each, however many are edited before the network
// is built whole.
void KeepOverlays(const PolicyChange& change, const LayerBuild& base,
                  std::set<acl::MemberName>& pods, std::vector<Overlay>& overlays) {
  std::set<acl::MemberName> gone = pods, unused;
  for (const EndpointChange& endpoint : change.endpoints) {
    if (!IsLocal(endpoint.now)) gone.insert(endpoint.name);
  }
  for (Overlay& overlay : std::exchange(overlays, {})) {
    std::erase_if(overlay.pods, [&](const acl::MemberName& pod) { return gone.contains(pod); });
    if (overlay.pods.empty()) continue;
    if (overlay.layer.universe == base.universe) {
      Follow(base, overlay.layer);
      overlays.push_back(std::move(overlay));
    } else if (Move(change.endpoints, overlay.layer, &unused)) {
      overlays.push_back(std::move(overlay));
    } else {
      pods.merge(overlay.pods);
    }
  }
  if (pods.empty() || overlays.size() < kMostOverlays) return;
  do {
    pods.merge(overlays.back().pods);
    overlays.pop_back();
  } while (!overlays.empty() && overlays.back().pods.size() <= pods.size());
}

// That had one of `pods`; null: none.
const LayerBuild* FindOverlay(const std::vector<Overlay>& overlays,
                              const std::set<acl::MemberName>& pods) {
  const auto found = std::ranges::find_if(overlays, [&](const Overlay& overlay) {
    return std::ranges::any_of(pods, [&](const auto& pod) { return overlay.pods.contains(pod); });
  });
  return found == overlays.end() ? nullptr : &found->layer;
}

// Whether the whole may have too many rules: then it has to be built for that to be known.
bool IsNearLimit(const PolicyBuild& build, const BuildLimits& limits) {
  size_t rules = 0;
  build.ForEachLayer([&](const LayerBuild& layer) { rules += layer.in_force.rules->rules.size(); });
  return rules > limits.trie.max_rules / 2;
}

// The same of a tenant that the newest overlay has rules of.
bool IsNearShare(const PolicyBuild& build, const TenantShares& shares) {
  const auto is_near = [&](RuleSet LayerBuild::*which) {
    const auto& newest = (build.overlays.back().layer.*which).tenants;
    if (newest == nullptr) return false;
    return std::ranges::any_of(*newest, [&](const auto& entry) {
      size_t rules = 0;
      build.ForEachLayer([&](const LayerBuild& layer) {
        const auto& tenants = (layer.*which).tenants;
        if (tenants == nullptr) return;
        const auto found = tenants->find(entry.first);
        if (found != tenants->end()) rules += found->second;
      });
      return rules > shares.Of(entry.first) / 2;
    });
  };
  return is_near(&LayerBuild::in_force) || is_near(&LayerBuild::audit);
}

// Whether policies may tell too many apart with what changes in them: only a whole build can say.
bool IsNearClasses(const PolicyBuild& build, const TenantShares& shares) {
  const size_t classes = build.base.universe->classes().size() - 1;
  return classes > std::min(shares.a_namespace, shares.cluster_wide) / 2;
}

}  // namespace

absl::StatusOr<PolicyBuild> CompilePolicy(acl::PolicyInput input, const PolicyBuild* previous) {
  auto base = CompileLayer(input, previous == nullptr ? nullptr : &previous->base);
  if (!base.ok()) return base.status();
  PolicyBuild build;
  build.base = *std::move(base);
  if (previous != nullptr) build.names = previous->names;
  build.names = {NameBase(build.names.in_force, build.base.in_force),
                 NameBase(build.names.audit, build.base.audit)};
  build.input = LazyInput(std::move(input));
  return build;
}

absl::StatusOr<PolicyBuild> BuildPolicy(acl::PolicyInput input, const PolicyBuild* previous,
                                        const BuildLimits& limits, const BuildCheck& check) {
  absl::StatusOr<PolicyBuild> build = CompilePolicy(std::move(input), previous);
  if (!build.ok()) return build;
  if (check) {
    if (absl::Status fits = check(*build, previous); !fits.ok()) return fits;
  }
  if (absl::Status s = AddTries(*build->input, limits, {}, build->base); !s.ok()) return s;
  return build;
}

absl::StatusOr<std::optional<PolicyBuild>> UpdatePolicy(const PolicyBuild& previous,
                                                        const PolicyChange& change,
                                                        const BuildLimits& limits) {
  PolicyBuild build = previous;
  build.input = change.input;
  build.edited.insert(change.edited.begin(), change.edited.end());
  if (!change.edited.empty() && IsNearClasses(build, change.classes)) return std::nullopt;
  std::set<acl::MemberName> unjudged;
  if (!Move(change.endpoints, build.base, &unjudged)) return std::nullopt;
  std::set<acl::MemberName> pods = PodsToCompile(change, unjudged, build);
  KeepOverlays(change, build.base, pods, build.overlays);
  for (Overlay& overlay : build.overlays) {
    overlay.edited_since.insert(change.edited.begin(), change.edited.end());
  }
  if (!pods.empty()) {
    const acl::PolicyInput input = change.overlay_input(pods);
    auto layer = CompileOverlay(input, pods, build.base, FindOverlay(previous.overlays, pods));
    if (!layer.ok()) return layer.status();
    build.overlays.push_back({*std::move(layer), pods, {}});
    if (!change.edited.empty() && IsNearLimit(build, limits)) return std::nullopt;
    if (IsNearShare(build, change.rules)) return std::nullopt;
    LayerBuild& newest = build.overlays.back().layer;
    if (absl::Status s = AddTries(input, limits, kOverlayEffort, newest); !s.ok()) return s;
  }
  if (!build.IsWhole() || !previous.overlays.empty()) {
    build.names = NameOverlays(build, pods.empty() ? nullptr : &build.overlays.back());
  }
  return build;
}

void TakeNames(const RuleNames& started, const RuleNames& newest, PolicyBuild& whole) {
  const auto take = [](const Names& before, const Names& now, RuleSet& set, Names& names) {
    if (now == before) return;
    if (set.rule_ids == nullptr) {  // no audit, as far as was known
      names = acl::RuleIds::Next(now.get(), {});
      return;
    }
    // What it numbered itself may be somebody else's number by now.
    if (before == nullptr || set.rule_ids->IsAheadOf(*before)) {
      set.rule_ids = acl::RuleIds::Next(now.get(), *set.rules);
    }
    names = acl::RuleIds::Beside(set.rule_ids, now.get(), {}, {});
  };
  take(started.in_force, newest.in_force, whole.base.in_force, whole.names.in_force);
  take(started.audit, newest.audit, whole.base.audit, whole.names.audit);
}

}  // namespace sluice::control
