#include "control/policy_build.h"

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

// `table` numbered and without a classifier, or `previous` whole if it has the same rules.
RuleSet MakeRules(acl::RuleTable table, const RuleSet* previous) {
  const bool same = previous != nullptr && previous->rules != nullptr && *previous->rules == table;
  if (same) return *previous;
  RuleSet set;
  set.rules = std::make_shared<const acl::RuleTable>(std::move(table));
  set.rule_ids =
      acl::RuleIds::Next(previous == nullptr ? nullptr : previous->rule_ids.get(), *set.rules);
  return set;
}

// A classifier for `set`, proven, unless it has one.
absl::Status Classify(RuleSet& set, const acl::Universe& universe, const acl::TrieLimits& limits) {
  if (set.classifier != nullptr) return absl::OkStatus();
  Stopwatch watch;
  auto trie = acl::TrieClassifier::Build(*set.rules, limits);
  if (!trie.ok()) return trie.status();
  set.cost.build_seconds = watch.Lap();
  const auto proof =
      acl::ProveTrie(*set.rules, **trie, universe.classes().size(), universe.local());
  if (!proof.ok()) return proof.status();
  set.cost.proof_seconds = watch.Lap();
  set.cost.proof = *proof;
  set.classifier = *std::move(trie);
  return absl::OkStatus();
}

// Holds what `set` says against what the objects mean.
absl::Status ProveMeaning(const PolicyBuild& build, const RuleSet& set, bool audit,
                          BuildCost& cost) {
  Stopwatch watch;
  const auto probes = acl::ProveMeaning({.input = *build.input,
                                         .population = build.population,
                                         .table = *set.rules,
                                         .trie = *set.classifier,
                                         .audit = audit});
  if (!probes.ok()) return probes.status();
  cost.probes += *probes;
  cost.meaning_seconds += watch.Lap();
  return absl::OkStatus();
}

// Whether less is known of a node than before.
bool UnsaysNode(const EndpointChange& change, const acl::Universe& universe) {
  if (!change.before || !universe.SpeaksForNode(change.before->endpoint)) return false;
  const acl::Endpoint& before = change.before->endpoint;
  return !change.now || change.now->endpoint.node != before.node ||
         change.now->endpoint.node_addresses != before.node_addresses;
}

}  // namespace

absl::StatusOr<PolicyBuild> CompilePolicy(acl::PolicyInput input, const PolicyBuild* previous) {
  Stopwatch watch;
  auto parts = acl::CompileParts(input);
  if (!parts.ok()) return parts.status();
  PolicyBuild build;
  build.input = LazyInput(std::move(input));
  build.universe = std::move(parts->universe);
  build.population = std::move(parts->population);
  const acl::AddressMap& addresses = build.population.addresses();
  build.addresses = previous != nullptr && *previous->addresses == addresses
                        ? previous->addresses
                        : std::make_shared<const acl::AddressMap>(addresses);
  build.in_force =
      MakeRules(std::move(parts->table), previous == nullptr ? nullptr : &previous->in_force);
  if (parts->audit_table) {
    build.audit =
        MakeRules(*std::move(parts->audit_table), previous == nullptr ? nullptr : &previous->audit);
  }
  build.cost.compile_seconds = watch.Lap();
  return build;
}

absl::StatusOr<PolicyBuild> BuildPolicy(acl::PolicyInput input, const PolicyBuild* previous,
                                        const acl::TrieLimits& limits) {
  absl::StatusOr<PolicyBuild> build = CompilePolicy(std::move(input), previous);
  if (!build.ok()) return build;
  for (RuleSet* set : {&build->in_force, &build->audit}) {
    if (set->rules == nullptr) continue;
    if (absl::Status s = Classify(*set, *build->universe, limits); !s.ok()) return s;
    const bool audit = set == &build->audit;
    if (absl::Status s = ProveMeaning(*build, *set, audit, build->cost); !s.ok()) return s;
  }
  return build;
}

std::optional<PolicyBuild> UpdateEndpoints(const PolicyBuild& previous,
                                           std::span<const EndpointChange> changes,
                                           LazyInput input) {
  Stopwatch watch;
  std::vector<acl::Population::Change> placed;
  for (const EndpointChange& change : changes) {
    if (UnsaysNode(change, *previous.universe)) return std::nullopt;
    if (!change.now) {
      placed.push_back({.name = change.name, .member = {}});
      continue;
    }
    auto place = previous.universe->Place(change.now->endpoint, change.now->local);
    if (!place) return std::nullopt;
    placed.push_back(*std::move(place));
  }
  PolicyBuild build = previous;
  build.input = std::move(input);
  build.population.Apply(placed);
  build.population.Freeze();
  if (!(build.population.addresses() == *previous.addresses)) {
    build.addresses = std::make_shared<const acl::AddressMap>(build.population.addresses());
  }
  build.cost.compile_seconds = watch.Lap();
  return build;
}

}  // namespace sluice::control
