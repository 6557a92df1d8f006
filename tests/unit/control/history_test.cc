// What is compiled depends on what is desired now, never on the path to it: histories of applies
// and deletes are permuted, doubled, batched and squashed, and must end in the same rules and
// classes.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include "acl/compiler.h"
#include "control/desired_state.h"
#include "control/policy_input.h"
#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

constexpr unsigned kSeeds = 60;
constexpr char kSource[] = "test";

// Applies an object, or deletes what `key` names.
struct Step {
  ObjectKey key;
  std::optional<Object> object;
};
using History = std::vector<Step>;
using Random = std::mt19937;

unsigned Pick(Random& random, unsigned below) {
  return std::uniform_int_distribution<unsigned>(0, below - 1)(random);
}

std::string Text(char prefix, unsigned number) { return prefix + std::to_string(number); }

acl::Labels RandomLabels(Random& random) { return {{"app", Text('a', Pick(random, 3))}}; }

Object RandomPolicy(Random& random, const std::string& name, bool with_bad) {
  switch (Pick(random, with_bad ? 4 : 3)) {
    case 0:
      return DenyAll(name, RandomLabels(random));
    case 1:
      return Allow(name, RandomLabels(random), 80 + Pick(random, 3));
    case 2: {
      acl::NetworkPolicy policy = Allow(name, RandomLabels(random), 80);
      policy.ingress[0].peers[0].namespace_selector = acl::LabelSelector{};
      return policy;
    }
    default:
      return BadPolicy(name, RandomLabels(random));
  }
}

Step RandomStep(Random& random, bool with_bad) {
  const unsigned number = Pick(random, 4);
  Object object;
  switch (Pick(random, 5)) {
    case 0:
      object = acl::Namespace{number == 0 ? "default" : Text('n', number), RandomLabels(random)};
      break;
    case 1:
    case 2:
      object = Pod(Text('p', number), "10.0.0." + std::to_string(10 + Pick(random, 6)),
                   RandomLabels(random), Text('u', Pick(random, 2)));
      break;
    default:
      object = RandomPolicy(random, Text('q', number), with_bad);
  }
  const ObjectKey key = ObjectKey::Of(object);
  if (Pick(random, 4) == 0) return {key, std::nullopt};
  return {key, object};
}

History RandomHistory(Random& random, bool with_bad) {
  History history;
  for (int i = 0; i < 40; ++i) history.push_back(RandomStep(random, with_bad));
  return history;
}

// A state with two local pods, one known by UID.
DesiredState Start() {
  DesiredState state;
  EXPECT_TRUE(state.ports().Add(RingPort("p0", "p0", "02:00:00:00:00:01", "10.0.0.10")).ok());
  EXPECT_TRUE(state.ports().Add(RingPort("p1", "p1", "02:00:00:00:00:02", "10.0.0.11", "u1")).ok());
  return state;
}

void Run(const Step& step, DesiredState& state) {
  if (step.object) {
    EXPECT_TRUE(
        state.Apply(kSource, std::vector{Candidate::Of(*step.object)}, OnRefusal::kSkip).ok());
  } else {
    EXPECT_TRUE(state.Delete(kSource, std::vector{step.key}).ok());
  }
}

DesiredState Replay(const History& history) {
  DesiredState state = Start();
  for (const Step& step : history) Run(step, state);
  return state;
}

// Runs of applies as one request each.
DesiredState ReplayBatched(const History& history) {
  DesiredState state = Start();
  std::vector<Candidate> batch;
  auto flush = [&] {
    EXPECT_TRUE(state.Apply(kSource, batch, OnRefusal::kSkip).ok());
    batch.clear();
  };
  for (const Step& step : history) {
    if (step.object) {
      batch.push_back(Candidate::Of(*step.object));
      continue;
    }
    flush();
    Run(step, state);
  }
  flush();
  return state;
}

// Steps on one object keep their order; all else is shuffled.
History Permuted(const History& history, Random& random) {
  std::map<ObjectKey, History> by_key;
  std::vector<ObjectKey> order;
  for (const Step& step : history) {
    by_key[step.key].push_back(step);
    order.push_back(step.key);
  }
  std::shuffle(order.begin(), order.end(), random);
  std::map<ObjectKey, size_t> next;
  History permuted;
  for (const ObjectKey& key : order) permuted.push_back(by_key[key][next[key]++]);
  return permuted;
}

History Doubled(const History& history) {
  History doubled;
  for (const Step& step : history) doubled.insert(doubled.end(), 2, step);
  return doubled;
}

// Only the last step on each object.
History Squashed(const History& history) {
  std::map<ObjectKey, Step> last;
  for (const Step& step : history) last.insert_or_assign(step.key, step);
  History squashed;
  for (const auto& [key, step] : last) squashed.push_back(step);
  return squashed;
}

DesiredState Synced(const DesiredState& state) {
  std::vector<Candidate> all;
  for (const auto& [name, owned] : state.namespaces()) all.push_back(Candidate::Of(owned.object));
  for (const auto& [name, owned] : state.endpoints()) all.push_back(Candidate::Of(owned.object));
  for (const auto& [name, owned] : state.policies()) all.push_back(Candidate::Of(owned.object));
  DesiredState synced = Start();
  EXPECT_TRUE(synced.Sync(kSource, all, "1").ok());
  return synced;
}

acl::CompiledPolicy CompileState(const DesiredState& state) {
  auto compiled = acl::Compile(MakePolicyInput(state, {}));
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return compiled.ok() ? *std::move(compiled) : acl::CompiledPolicy{};
}

void ExpectSame(const acl::CompiledPolicy& expected, const DesiredState& state, const char* law) {
  const acl::CompiledPolicy seen = CompileState(state);
  EXPECT_TRUE(expected.table == seen.table) << law;
  EXPECT_TRUE(expected.addresses == seen.addresses) << law;
  EXPECT_TRUE(expected.subjects == seen.subjects) << law;
}

class HistoryTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(HistoryTest, ThePathDoesNotMatter) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Random random(GetParam());
  const History history = RandomHistory(random, /*with_bad=*/false);
  const DesiredState end = Replay(history);
  const acl::CompiledPolicy expected = CompileState(end);
  ExpectSame(expected, Replay(Permuted(history, random)), "permuted");
  ExpectSame(expected, Replay(Doubled(history)), "doubled");
  ExpectSame(expected, ReplayBatched(history), "batched");
  ExpectSame(expected, Replay(Squashed(history)), "squashed");
  ExpectSame(expected, Synced(end), "synced");
}

// A refused version leaves the accepted one in force, so only the order on one object counts.
TEST_P(HistoryTest, RefusalsOnOneObjectDoNotTouchOthers) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Random random(1000 + GetParam());
  const History history = RandomHistory(random, /*with_bad=*/true);
  const acl::CompiledPolicy expected = CompileState(Replay(history));
  ExpectSame(expected, Replay(Permuted(history, random)), "permuted");
  ExpectSame(expected, Replay(Doubled(history)), "doubled");
  ExpectSame(expected, ReplayBatched(history), "batched");
}

INSTANTIATE_TEST_SUITE_P(Seeds, HistoryTest, ::testing::Range(1u, kSeeds + 1));

}  // namespace
}  // namespace sluice::control
