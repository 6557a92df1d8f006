// Histories of a desired state: objects of every kind that come, change, go and are refused, in
// orders that a real cluster would find odd. The same seed makes the same history.
//
// Names are few, so that objects are replaced, deleted and deleted again; policies come before
// their pods and namespaces, pods in namespaces that never come, nodes after their pods.
#pragma once

#include <cstdint>
#include <optional>
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

}  // namespace sluice::control
