// Laws that the evaluator keeps in clusters with policies of every kind.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

#include "acl/compiled_side.h"
#include "acl/evaluator.h"
#include "tests/differential/flow_text.h"
#include "tests/differential/random_cluster.h"
#include "tests/differential/verdict_counts.h"

namespace sluice::acl {
namespace {

constexpr uint64_t kClusters = 300;
constexpr int kFlows = 200;  // a cluster
constexpr auto kAll = RandomCluster::Kinds::kAll;

std::string ToText(const RawVerdict& verdict) {
  return fmt::format("{}; egress {}; ingress {}; audited egress {}; audited ingress {}",
                     verdict.allow ? "allow" : "deny", acl::ToText(verdict.egress),
                     acl::ToText(verdict.ingress), acl::ToText(verdict.audited_egress),
                     acl::ToText(verdict.audited_ingress));
}

// The sides of `audited` in place of those in force.
RawVerdict InForce(const RawVerdict& audited) {
  RawVerdict verdict{.egress = audited.audited_egress, .ingress = audited.audited_ingress};
  verdict.allow =
      (!verdict.egress || verdict.egress->allow) && (!verdict.ingress || verdict.ingress->allow);
  return verdict;
}

RawVerdict WithoutAudited(RawVerdict verdict) {
  verdict.audited_egress = verdict.audited_ingress = std::nullopt;
  return verdict;
}

template <typename Change>
void ForEachOptions(PolicyInput& input, const Change& change) {
  for (NetworkPolicy& policy : input.policies) change(policy.options);
  for (MultiNetworkPolicy& multi : input.multi_policies) change(multi.policy.options);
  for (SluicePolicy& policy : input.sluice_policies) change(policy.options);
  for (ClusterPolicy& policy : input.cluster_policies) change(policy.options);
}

bool HasAudit(PolicyInput input) {
  bool any = false;
  ForEachOptions(input, [&any](const PolicyOptions& options) { any |= options.audit; });
  return any;
}

// For each cluster, a second one made from it; `law` is told what both say of the same attempt.
using Law = std::function<void(const RawVerdict& one, const RawVerdict& other)>;
void Expect(const std::function<void(PolicyInput&)>& change, const Law& law,
            const std::function<bool(const PolicyInput&)>& applies = {}) {
  size_t flows = 0;
  for (const uint64_t seed : Seeds(kClusters)) {
    SCOPED_TRACE(fmt::format("SLUICE_SEED={}", seed));
    RandomCluster cluster(seed, kAll);
    const PolicyInput input = cluster.Make();
    if (applies && !applies(input)) continue;
    PolicyInput changed = input;
    change(changed);
    const Evaluator one(input), other(changed);
    for (int i = 0; i < kFlows; ++i) {
      const std::optional<RawFlow> flow = cluster.AnyFlow(input);
      if (!flow) break;
      ++flows;
      SCOPED_TRACE(acl::ToText(*flow));
      law(one.Evaluate(*flow), other.Evaluate(*flow));
      ASSERT_FALSE(testing::Test::HasFailure());
    }
  }
  EXPECT_GT(flows, kClusters * kFlows / 5);
}

TEST(EvaluatorLaws, EveryKindOfVerdictComesUp) {
  VerdictCounts counts;
  for (const uint64_t seed : Seeds(kClusters)) {
    RandomCluster cluster(seed, kAll);
    const PolicyInput input = cluster.Make();
    const Evaluator evaluator(input);
    const RawWorld world(input);
    for (int i = 0; i < kFlows; ++i) {
      const std::optional<RawFlow> flow = cluster.AnyFlow(input);
      if (flow) counts.Add(world, *flow, evaluator.Evaluate(*flow));
    }
  }
  counts.Print();
  counts.ExpectNoneIsRare(kAll);
}

TEST(EvaluatorLaws, TheOrderOfTheInputMakesNoDifference) {
  std::mt19937_64 random(1);
  Expect(
      [&random](PolicyInput& input) {
        std::shuffle(input.namespaces.begin(), input.namespaces.end(), random);
        std::vector<Endpoint> endpoints(input.endpoints.begin(), input.endpoints.end());
        std::shuffle(endpoints.begin(), endpoints.end(), random);
        input.endpoints = std::move(endpoints);
        std::shuffle(input.nodes.begin(), input.nodes.end(), random);
        std::shuffle(input.policies.begin(), input.policies.end(), random);
        std::shuffle(input.sluice_policies.begin(), input.sluice_policies.end(), random);
        std::shuffle(input.multi_policies.begin(), input.multi_policies.end(), random);
        std::shuffle(input.cluster_policies.begin(), input.cluster_policies.end(), random);
      },
      [](const RawVerdict& one, const RawVerdict& other) {
        EXPECT_EQ(ToText(one), ToText(other));
      });
}

TEST(EvaluatorLaws, WithoutItsAuditPoliciesAClusterDecidesTheSame) {
  Expect(
      [](PolicyInput& input) {
        const auto audit = [](const auto& policy) { return policy.options.audit; };
        std::erase_if(input.policies, audit);
        std::erase_if(input.sluice_policies, audit);
        std::erase_if(input.cluster_policies, audit);
        std::erase_if(input.multi_policies,
                      [](const MultiNetworkPolicy& multi) { return multi.policy.options.audit; });
      },
      [](const RawVerdict& one, const RawVerdict& other) {
        EXPECT_EQ(ToText(WithoutAudited(one)), ToText(other));
      },
      HasAudit);
}

TEST(EvaluatorLaws, AuditedSidesAreThoseOfTheSamePoliciesInForce) {
  Expect(
      [](PolicyInput& input) {
        ForEachOptions(input, [](PolicyOptions& options) { options.audit = false; });
      },
      [](const RawVerdict& one, const RawVerdict& other) {
        EXPECT_EQ(ToText(InForce(one)), ToText(other));
      },
      HasAudit);
}

TEST(EvaluatorLaws, RejectChangesNothingButHowADenialIsAnswered) {
  Expect(
      [](PolicyInput& input) {
        ForEachOptions(input, [](PolicyOptions& options) { options.reject = false; });
      },
      [](RawVerdict one, const RawVerdict& other) {
        for (auto* side : {&one.egress, &one.ingress, &one.audited_egress, &one.audited_ingress}) {
          if (!*side) continue;
          EXPECT_FALSE((*side)->allow && (*side)->reject);
          (*side)->reject = false;
        }
        EXPECT_EQ(ToText(one), ToText(other));
      });
}

TEST(EvaluatorLaws, AcceptRulesAloneDenyNobody) {
  Expect(
      [](PolicyInput& input) {
        for (ClusterPolicy& policy : input.cluster_policies) {
          const auto deny = [](const ClusterRule& rule) { return rule.action != "Accept"; };
          std::erase_if(policy.ingress, deny);
          std::erase_if(policy.egress, deny);
        }
      },
      [](const RawVerdict&, const RawVerdict& other) {
        for (const auto& side : {other.egress, other.ingress}) {
          EXPECT_TRUE(!side || side->allow || side->tier == "NetworkPolicy") << ToText(other);
        }
      });
}

}  // namespace
}  // namespace sluice::acl
