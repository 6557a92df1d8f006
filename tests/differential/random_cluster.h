// Random clusters for the differential tests. The same seed makes the same cluster.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "acl/compiler.h"
#include "acl/evaluator.h"
#include "tests/differential/random_source.h"

namespace sluice::acl {

class RandomCluster {
 public:
  // Which policies there are: networking.k8s.io/v1 alone and without options, or all kinds, legacy
  // policies, audit and reject.
  enum class Kinds : uint8_t { kNetworkPolicy, kAll };

  RandomCluster(uint64_t seed, Kinds kinds) : random_(seed), kinds_(kinds) {}

  // Acceptable to Compile. Where two pods claim one address, they are equals, one alone is local,
  // or (kAll) some policy tells them apart.
  PolicyInput Make();
  // An attempt between two ends of one family, one of them a pod with an address. Null if `input`
  // has no such pod. Its ends point into `input`.
  std::optional<RawFlow> AnyFlow(const PolicyInput& input);

 private:
  void AddNodes(PolicyInput& input);
  void AddEndpoints(PolicyInput& input);
  void AddTwins(PolicyInput& input);
  void AddNetworkPolicies(PolicyInput& input);
  void AddOtherPolicies(PolicyInput& input);
  void AddClusterPolicy(PolicyInput& input, ClusterPolicyKind kind);

  Endpoint AnyEndpoint(unsigned number, const std::vector<Node>& nodes);
  PolicyOptions AnyOptions();
  RawEnd AnyEnd(const PolicyInput& input);
  IpAddress AnyAddress();
  const StreamFacts* AnyFacts(uint8_t protocol);
  uint16_t AnyPort();

  RandomSource random_;
  Kinds kinds_;
};

// What Compile takes today.
inline constexpr auto kCompiledKinds = RandomCluster::Kinds::kAll;

// 1..count and, if set, the environment variable SLUICE_SEED.
std::vector<uint64_t> Seeds(uint64_t count);

}  // namespace sluice::acl
