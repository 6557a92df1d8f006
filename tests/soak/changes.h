// Random changes of what is in force, made in the switch and in the model alike.
#pragma once

#include <absl/status/status.h>

#include <random>
#include <string>

#include "tests/soak/bed.h"
#include "tests/soak/world.h"

namespace sluice::soak {

class Changes {
 public:
  Changes(Bed& bed, World& world, std::mt19937_64& random)
      : bed_(bed), world_(world), random_(random) {}

  // The start: namespaces, remote pods, the uplink, all pods with their ports; no policy.
  absl::Status Begin();
  // One random change. Error: the switch refused what is not to be refused.
  absl::Status Next();
  // As Next, but only one side hears of it: what the soak must notice. The policy isolates all
  // pods.
  absl::Status TellTheSwitchAlone();
  void TellTheModelAlone();

  uint64_t made() const { return made_; }

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  bool Chance(int percent) { return static_cast<int>(Below(100)) < percent; }
  template <typename T, size_t N>
  const T& Pick(const T (&values)[N]) {
    return values[Below(N)];
  }

  absl::Status Apply(control::Object object);
  absl::Status Delete(const control::ObjectKey& key);
  absl::Status List(Pod& pod);
  absl::Status Unlist(Pod& pod);
  absl::Status AddPort(Pod& pod);
  absl::Status DeletePort(Pod& pod);
  absl::Status ReplacePort(Pod& pod);
  absl::Status PutPolicy();
  absl::Status DropPolicy();
  absl::Status RelabelNamespace();

  acl::Labels RandomLabels();
  acl::LabelSelector RandomSelector();
  acl::NetworkPolicyRule RandomRule();
  acl::NetworkPolicy RandomPolicy(const std::string& name);

  Bed& bed_;
  World& world_;
  std::mt19937_64& random_;
  unsigned generations_ = 0;
  uint64_t made_ = 0;
};

}  // namespace sluice::soak
