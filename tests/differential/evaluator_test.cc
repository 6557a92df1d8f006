// Compiled policy, looked up in the trie, against the evaluator: every attempt, both sides, and
// what is said to decide.
#include "acl/evaluator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "acl/compiled_side.h"
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
  EXPECT_EQ(ToText(expected.audited_egress), ToText(seen.audited_egress))
      << "audited egress, " << ToText(flow);
  EXPECT_EQ(ToText(expected.audited_ingress), ToText(seen.audited_ingress))
      << "audited ingress, " << ToText(flow);
}

void Compare(uint64_t seed, RandomCluster::Kinds kinds, VerdictCounts& counts) {
  RandomCluster cluster(seed, kinds);
  const PolicyInput input = cluster.Make();
  const Evaluator evaluator(input);
  const RawWorld world(input);
  const std::vector<RawFlow> flows = Flows(cluster, input);
  const std::vector<RawVerdict> seen = CompiledSides(input).Judge(flows);
  for (size_t i = 0; i < flows.size(); ++i) {
    const RawVerdict expected = evaluator.Evaluate(flows[i]);
    counts.Add(world, flows[i], expected);
    ExpectSame(flows[i], expected, seen[i]);
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
