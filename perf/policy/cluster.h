// Clusters of a stated size, for benchmarks of what policy costs. The same seed makes the same one.
//
// Namespaces of several teams, pods of several apps with labels that no policy looks at, policies
// that admit apps, teams and blocks on ports and ranges. The first pods, one in many, have a port
// here.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "acl/policy_input.h"

namespace sluice::perf {

struct ClusterSize {
  unsigned pods = 2000;
  unsigned namespaces = 50;
  unsigned policies = 200;
  unsigned local_pods = 100;
  unsigned rules_a_policy = 4;
};

class Cluster {
 public:
  Cluster(const ClusterSize& size, uint64_t seed);

  acl::Endpoint Pod(unsigned number) const;
  acl::Namespace NamespaceOf(unsigned number) const;
  // A policy of its own kind each time it is drawn.
  acl::NetworkPolicy DrawPolicy(unsigned number);
  bool IsLocal(unsigned pod) const { return pod < size_.local_pods; }

  // All of it, as the compiler takes it.
  acl::PolicyInput Input();
  const ClusterSize& size() const { return size_; }

 private:
  unsigned Below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  acl::NetworkPolicyPeer DrawPeer();
  acl::NetworkPolicyPort DrawPort();

  ClusterSize size_;
  std::mt19937_64 random_;
};

}  // namespace sluice::perf
