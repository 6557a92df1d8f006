// Compiled policy, looked up in the trie, against the evaluator: every attempt, both sides, and
// what is said to decide.
#include "acl/evaluator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/differential/compiled_sides.h"
#include "tests/differential/flow_text.h"
#include "tests/differential/random_cluster.h"
#include "tests/differential/verdict_counts.h"

namespace sluice::acl {
namespace {

constexpr uint64_t kClusters = 2000;
constexpr int kFlows = 300;  // a cluster

std::vector<RawFlow> Flows(RandomCluster& cluster, const PolicyInput& input) {
  std::vector<RawFlow> flows;
  for (int i = 0; i < kFlows; ++i) {
    if (const std::optional<RawFlow> flow = cluster.AnyFlow(input)) flows.push_back(*flow);
  }
  return flows;
}

void ExpectSame(const RawFlow& flow, const RawVerdict& expected, const RawVerdict& seen) {
  EXPECT_EQ(expected.allow, seen.allow) << ToText(flow);
  EXPECT_EQ(ToText(expected.egress), ToText(seen.egress)) << "egress, " << ToText(flow);
  EXPECT_EQ(ToText(expected.ingress), ToText(seen.ingress)) << "ingress, " << ToText(flow);
}

// The same objects, with every audit policy in force.
PolicyInput WithoutAudit(PolicyInput input) {
  for (NetworkPolicy& policy : input.policies) policy.options.audit = false;
  for (MultiNetworkPolicy& multi : input.multi_policies) multi.policy.options.audit = false;
  for (ClusterPolicy& policy : input.cluster_policies) policy.options.audit = false;
  return input;
}

// The audited sides, as if they were the verdict.
RawVerdict Audited(const RawVerdict& verdict) {
  RawVerdict audited{.egress = verdict.audited_egress, .ingress = verdict.audited_ingress};
  audited.allow =
      (!audited.egress || audited.egress->allow) && (!audited.ingress || audited.ingress->allow);
  return audited;
}

void Compare(uint64_t seed, RandomCluster::Kinds kinds, VerdictCounts& counts) {
  RandomCluster cluster(seed, kinds);
  const PolicyInput input = cluster.Make();
  const PolicyInput in_force = WithoutAudit(input);
  const Evaluator evaluator(input);
  const RawWorld world(input);
  const std::vector<RawFlow> flows = Flows(cluster, input);
  const std::vector<RawVerdict> seen = CompiledSides(input).Judge(flows);
  const bool any_audit = !(in_force == input);
  const std::vector<RawVerdict> audited =
      any_audit ? CompiledSides(in_force).Judge(flows) : std::vector<RawVerdict>();
  for (size_t i = 0; i < flows.size(); ++i) {
    const RawVerdict expected = evaluator.Evaluate(flows[i]);
    counts.Add(world, flows[i], expected);
    ExpectSame(flows[i], expected, seen[i]);
    if (any_audit) ExpectSame(flows[i], Audited(expected), audited[i]);
    if (testing::Test::HasFailure()) return;  // one is enough to read
  }
}

TEST(Evaluator, CompiledPolicyDecidesAsTheTextOfTheApi) {
  VerdictCounts counts;
  for (const uint64_t seed : Seeds(kClusters)) {
    SCOPED_TRACE(fmt::format("SLUICE_SEED={}", seed));
    Compare(seed, kCompiledKinds, counts);
    ASSERT_FALSE(HasFailure());
  }
  counts.Print();
  EXPECT_GT(counts.sides(), kClusters * kFlows);
  counts.ExpectNoneIsRare(kCompiledKinds);
}

}  // namespace
}  // namespace sluice::acl
