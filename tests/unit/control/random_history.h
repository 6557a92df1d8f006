// Histories of a desired state: objects of every kind that come, change, go and are refused, in
// orders that a real cluster would find odd. The same seed makes the same history.
//
// Names are few, so that objects are replaced, deleted and deleted again; policies come before
// their pods and namespaces, pods in namespaces that never come, nodes after their pods.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "control/desired_state.h"
#include "tests/differential/random_source.h"

namespace sluice::control {

inline constexpr char kHistorySource[] = "test";
inline constexpr char kSecondNetwork[] = "default/fast";

// Applies an object, or deletes what `key` names.
struct Step {
  ObjectKey key;
  std::optional<Object> object;
};
using History = std::vector<Step>;

struct HistoryConfig {
  size_t steps = 60;
  bool refusals = false;        // some objects are refused
  bool only_endpoints = false;  // after the first half
};

class RandomHistory {
 public:
  explicit RandomHistory(uint64_t seed);

  History Make(const HistoryConfig& config);
  // Ring ports on both networks: some of pods that the history may bring, one of one it does not.
  std::vector<dataplane::PortSpec> Ports();

 private:
  Step AnyStep(const HistoryConfig& config, bool endpoint);

  acl::RandomSource random_;
  std::vector<Object> pool_;       // what there is to apply; several versions of a name
  std::vector<Object> endpoints_;  // of pool_
};

// `object` as validation refuses it, with its name.
Object Spoiled(Object object);

void Run(const Step& step, DesiredState& state);
DesiredState Replay(const History& history, DesiredState state);

// Of each step the object.
std::vector<ObjectKey> KeysOf(const History& history);

// Other ways to the same end. Permuted and Reversed keep the order of the steps on one object, and
// the doubled steps do not matter, so refusals may be among them.
History Permuted(const History& history, std::mt19937_64& random);
History Reversed(const History& history);  // what came last comes first
History Doubled(const History& history);   // each step twice
// For histories without refusals:
History Churned(const History& history);   // every object goes again, and comes again
History Split(const History& history);     // every change of a policy or a pod in two
History Squashed(const History& history);  // only the last step on each object

}  // namespace sluice::control
