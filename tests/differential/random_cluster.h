// Random clusters for the differential tests: small vocabularies, so that selectors hit, overlap
// and miss. The same seed makes the same cluster.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "acl/compiler.h"

namespace sluice::acl {

class RandomCluster {
 public:
  explicit RandomCluster(uint64_t seed) : random_(seed) {}

  // Acceptable to Compile. No address belongs to two endpoints.
  PolicyInput Make();
  // An address that matters: of a pod, inside a CIDR of the vocabulary, or outside all of them.
  IpAddress AnyAddress();
  // A port at or beside an edge of the port ranges in use.
  uint16_t AnyPort();

 private:
  bool Chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  size_t Below(size_t limit) { return random_() % limit; }
  template <typename T, size_t N>
  T Pick(const T (&values)[N]) {
    return values[Below(N)];
  }

  Labels AnyLabels();
  LabelSelector AnySelector();
  Endpoint AnyEndpoint(unsigned number);
  NetworkPolicyPeer AnyPeer();
  NetworkPolicyPort AnyPolicyPort();
  NetworkPolicyRule AnyRule();
  NetworkPolicy AnyPolicy(unsigned number);

  std::mt19937_64 random_;
};

// 1..200 and, if set, the environment variable SLUICE_SEED.
std::vector<uint64_t> Seeds();

}  // namespace sluice::acl
