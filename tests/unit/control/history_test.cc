// What is compiled depends on what is desired now, never on the path to it: histories of objects of
// every kind are permuted, reversed, doubled, batched, squashed and churned, and must end in the
// same rules and classes on every network.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "acl/compiler.h"
#include "control/policy_input.h"
#include "tests/differential/random_cluster.h"
#include "tests/unit/control/objects.h"
#include "tests/unit/control/random_history.h"

namespace sluice::control {
namespace {

constexpr uint64_t kSeeds = 60;

using Compiled = std::map<std::string, acl::CompiledPolicy>;  // by network

// What every history starts from: ports, and no object.
DesiredState Start(uint64_t seed) {
  DesiredState state;
  EXPECT_TRUE(state.ports().AddNetwork(Network(kSecondNetwork)).ok());
  for (const dataplane::PortSpec& spec : RandomHistory(seed).Ports()) {
    EXPECT_TRUE(state.ports().Add(spec).ok()) << spec.name;
  }
  return state;
}

// Runs of applies as requests of up to `most` objects.
DesiredState ReplayBatched(const History& history, size_t most, DesiredState state) {
  std::vector<Candidate> batch;
  auto flush = [&] {
    EXPECT_TRUE(state.Apply(kHistorySource, batch, OnRefusal::kSkip).ok());
    batch.clear();
  };
  for (const Step& step : history) {
    if (!step.object || batch.size() == most) flush();
    if (step.object) {
      batch.push_back(Candidate::Of(*step.object));
    } else {
      Run(step, state);
    }
  }
  flush();
  return state;
}

// With a copy taken and frozen before each step, as the publisher does; and a compilation after it.
DesiredState ReplayLookedAt(const History& history, DesiredState state) {
  for (const Step& step : history) {
    state.Freeze();
    DesiredState next = state;
    Run(step, next);
    EXPECT_TRUE(acl::Compile(MakePolicyInput(next, {})).ok());
    state = std::move(next);
  }
  return state;
}

DesiredState Synced(const DesiredState& state, DesiredState synced) {
  std::vector<Candidate> all;
  const auto add = [&](const auto& table) {
    for (const auto& [name, owned] : table) all.push_back(Candidate::Of(owned.object));
  };
  add(state.cluster_policies());
  add(state.sluice_policies());
  add(state.multi_policies());
  add(state.policies());
  add(state.endpoints());
  add(state.nodes());
  add(state.namespaces());
  EXPECT_TRUE(synced.Sync(kHistorySource, all, "1").ok());
  return synced;
}

Compiled CompileAll(const DesiredState& state) {
  Compiled all;
  for (const char* network : {kDefaultNetwork, kSecondNetwork}) {
    auto compiled = acl::Compile(MakePolicyInput(state, {}, network));
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    if (compiled.ok()) all[network] = *std::move(compiled);
  }
  return all;
}

// For one history, what it ends in: every other way there has to end in the same.
class Law {
 public:
  Law(uint64_t seed, const History& history)
      : start_(Start(seed)), end_(Replay(history, start_)), expected_(CompileAll(end_)) {}

  const DesiredState& start() const { return start_; }
  const DesiredState& end() const { return end_; }

  void Holds(const DesiredState& state, const char* law) const {
    const Compiled seen = CompileAll(state);
    for (const auto& [network, expected] : expected_) {
      EXPECT_TRUE(seen.at(network) == expected) << law << ", network " << network;
    }
  }
  void Holds(const History& history, const char* law) const { Holds(Replay(history, start_), law); }

 private:
  const DesiredState start_, end_;
  const Compiled expected_;
};

class HistoryTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(HistoryTest, ThePathDoesNotMatter) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  std::mt19937_64 random(GetParam());
  const History history = RandomHistory(GetParam()).Make({.steps = 80});
  const Law law(GetParam(), history);
  law.Holds(Permuted(history, random), "permuted");
  law.Holds(Reversed(history), "reversed");
  law.Holds(Doubled(history), "doubled");
  law.Holds(Churned(history), "deleted between");
  law.Holds(Split(history), "each change in two");
  law.Holds(Squashed(history), "squashed");
  law.Holds(Reversed(Squashed(history)), "squashed and reversed");
  law.Holds(ReplayBatched(history, history.size(), law.start()), "batched");
  law.Holds(ReplayBatched(history, 3, law.start()), "in small batches");
  law.Holds(ReplayLookedAt(history, law.start()), "looked at on the way");
  law.Holds(Synced(law.end(), law.start()), "synced");
  EXPECT_TRUE(Replay(Squashed(history), law.start()) == law.end());
}

// A refused version leaves the accepted one in force, so only the order on one object counts.
TEST_P(HistoryTest, RefusalsOnOneObjectDoNotTouchOthers) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  std::mt19937_64 random(GetParam());
  const History history = RandomHistory(1000 + GetParam()).Make({.steps = 80, .refusals = true});
  const Law law(GetParam(), history);
  law.Holds(Permuted(history, random), "permuted");
  law.Holds(Reversed(history), "reversed");
  law.Holds(Doubled(history), "doubled");
  law.Holds(ReplayBatched(history, history.size(), law.start()), "batched");
  law.Holds(ReplayBatched(history, 3, law.start()), "in small batches");
}

// Nothing is left of what has gone.
TEST_P(HistoryTest, DeletingEverythingIsTheBeginning) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  History history = RandomHistory(GetParam()).Make({.steps = 80, .refusals = true});
  std::vector<ObjectKey> keys = KeysOf(history);
  std::mt19937_64 random(GetParam());
  std::shuffle(keys.begin(), keys.end(), random);
  for (const ObjectKey& key : keys) history.push_back({key, std::nullopt});
  const DesiredState start = Start(GetParam());
  EXPECT_TRUE(Replay(history, start) == start);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HistoryTest, ::testing::ValuesIn(acl::Seeds(kSeeds)));

// The histories have what they are for.
TEST(RandomHistory, BringsEveryKindAndDanglingReferences) {
  std::map<std::string, unsigned> kinds;
  unsigned pods_without_namespace = 0, policies_in_force = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const DesiredState end = Replay(RandomHistory(seed).Make({.steps = 80}), Start(seed));
    for (const Step& step : RandomHistory(seed).Make({.steps = 80})) {
      if (step.object) ++kinds[step.key.kind];
    }
    for (const auto& [name, owned] : end.endpoints()) {
      pods_without_namespace += end.namespaces().contains({"", name.first}) ? 0 : 1;
    }
    policies_in_force += static_cast<unsigned>(end.policy_count());
  }
  EXPECT_EQ(kinds.size(), 9u) << "kinds of kObjectKinds";
  for (const auto& [kind, count] : kinds) EXPECT_GT(count, kSeeds / 10) << kind;
  EXPECT_GT(pods_without_namespace, kSeeds);
  EXPECT_GT(policies_in_force, kSeeds);
}

}  // namespace
}  // namespace sluice::control
