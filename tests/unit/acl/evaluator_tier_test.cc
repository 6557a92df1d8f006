// The evaluator against SEMANTICS lines 17-19 and 27: which cluster-wide policy decides, and when.
// Expectations by hand.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/acl/evaluator_cluster_policies.h"

namespace sluice::acl {
namespace {

// NetworkPolicy default/n on app=web: lets in role=db, nobody else.
const NetworkPolicy kOnlyDb = {
    .namespace_name = "default",
    .name = "n",
    .pod_selector = kWeb,
    .policy_types = {"Ingress"},
    .ingress = {{.peers = {Pods(Having({{"role", "db"}}))}, .ports = {}}}};
const std::string kNetworkDeny = "deny NetworkPolicy: NetworkPolicy default/n";
const std::string kNetworkAllow = "allow NetworkPolicy: NetworkPolicy default/n ingress[0]";

const std::vector<RawCase> kCases = {
    // Line 17
    {"AdminDecidesBeforeNetworkPolicy",
     {kOnlyDb},
     {In({Rule("Deny", {PodsHaving({{"role", "db"}})}),
          Rule("Accept", {PodsHaving({{"role", "client"}})})})},
     {ToWeb("default/db", kDenied),
      ToWeb("default/client", "allow Admin: ClusterNetworkPolicy p ingress[1]"),
      ToWeb("other/job", kNetworkDeny)}},
    {"NetworkPolicyIsFinalBeforeBaseline",
     {kOnlyDb},
     {Baseline(In({Rule("Deny", {PodsHaving({{"role", "db"}})}), Rule("Accept", {kAllPods})}))},
     {ToWeb("default/db", kNetworkAllow), ToWeb("other/job", kNetworkDeny)}},
    {"BaselineDecidesWhereNothingElseDoes",
     {},
     {Baseline(In({Rule("Deny", {PodsHaving({{"role", "db"}})}), Rule("Accept", {kAllPods})}))},
     {ToWeb("default/db", "deny Baseline: ClusterNetworkPolicy p ingress[0]"),
      ToWeb("other/job", "allow Baseline: ClusterNetworkPolicy p ingress[1]"),
      ToWeb("203.0.113.9", "allow")}},
    {"TheTierComesBeforeThePriority",
     {},
     {At("a", 0, Baseline(In({Rule("Deny", {kAllPods})}))),
      At("z", 1000, In({Rule("Accept", {kAllPods})}))},
     {ToWeb("other/job", "allow Admin: ClusterNetworkPolicy z ingress[0]")}},
    {"TheLowerNumberComesFirst",
     {},
     {At("a", 10, In({Rule("Deny", {kAllPods})})), At("z", 9, In({Rule("Accept", {kAllPods})}))},
     {ToWeb("other/job", "allow Admin: ClusterNetworkPolicy z ingress[0]")}},
    {"WithinAPolicyTheFirstMatchingRuleWins",
     {},
     {In({Rule("Accept", {PodsHaving({{"role", "db"}})}), Rule("Deny", {kAllPods}),
          Rule("Accept", {kAllPods})})},
     {ToWeb("default/db", kAccepted),
      ToWeb("other/job", "deny Admin: ClusterNetworkPolicy p ingress[1]")}},
    {"OfEqualPrioritiesTheFirstNameWins",
     {},
     {At("b", 5, In({Rule("Deny", {kAllPods})})), At("a", 5, In({Rule("Accept", {kAllPods})}))},
     {ToWeb("other/job", "allow Admin: ClusterNetworkPolicy a ingress[0]")}},
    // Line 18
    {"AnAcceptRuleAloneRestrictsNothing",
     {},
     {Policy({Rule("Accept", {PodsHaving({{"role", "db"}})})},
             {Rule("Accept", {PodsHaving({{"role", "db"}})})})},
     {ToWeb("other/job", "allow"), FromWeb("other/job", "allow"), ToWeb("default/db", kAccepted)}},
    {"AcceptSettlesItsOwnDirectionOnly",
     {kOnlyDb},
     {For({}, Out({Rule("Accept", {kAllPods})}))},
     {{"other/job", "default/web", "tcp", 80, kOutAccepted, kNetworkDeny}}},
    // Line 19
    {"PassLeavesTheRestOfItsTier",
     {kOnlyDb},
     {At("a", 1, In({Rule("Pass", {kAllPods}), Rule("Deny", {kAllPods})})),
      At("b", 2, In({Rule("Deny", {kAllPods})}))},
     {ToWeb("default/db", kNetworkAllow), ToWeb("other/job", kNetworkDeny)}},
    {"PassInBaselineIsAllow",
     {},
     {Baseline(In({Rule("Pass", {PodsHaving({{"role", "db"}})}), Rule("Deny", {kAllPods})}))},
     {ToWeb("default/db", "allow"),
      ToWeb("other/job", "deny Baseline: ClusterNetworkPolicy p ingress[1]")}},
    {"BaselineGovernsTheDirectionThatNoNetworkPolicyCovers",
     {kOnlyDb},
     {Baseline(Policy({Rule("Deny", {kAllPods})}, {Rule("Deny", {kAllPods})}))},
     {ToWeb("default/db", kNetworkAllow),
      FromWeb("other/job", "deny Baseline: ClusterNetworkPolicy p egress[0]")}},
    // Line 27
    {"BothKindsOfAdminPolicyAreOneOrder",
     {},
     {At("m", 5, Admin(In({Rule("Deny", {PodsHaving({{"role", "db"}})})}))),
      At("a", 6, In({Rule("Accept", {kAllPods})})),
      At("a", 5, Admin(In({Rule("Deny", {PodsHaving({{"role", "client"}})})})))},
     {ToWeb("default/db", "deny Admin: AdminNetworkPolicy m ingress[0]"),
      ToWeb("default/client", "deny Admin: AdminNetworkPolicy a ingress[0]"),
      ToWeb("other/job", "allow Admin: ClusterNetworkPolicy a ingress[0]")}},
    {"OfOneNameAndPriorityTheNewerKindComesFirst",
     {},
     {At("a", 5, Admin(In({Rule("Deny", {kAllPods})}))),
      At("a", 5, In({Rule("Accept", {kAllPods})}))},
     {ToWeb("other/job", "allow Admin: ClusterNetworkPolicy a ingress[0]")}},
    {"OfEqualPrioritiesTheNameCountsBeforeTheKind",
     {},
     {At("b", 5, In({Rule("Accept", {kAllPods})})),
      At("a", 5, Admin(In({Rule("Deny", {kAllPods})})))},
     {ToWeb("other/job", "deny Admin: AdminNetworkPolicy a ingress[0]")}},
    {"TheBaselineObjectComesLast",
     {},
     {BaselineAdmin(At("", 0, In({Rule("Deny", {kAllPods})}))),
      At("z", 1000, Baseline(In({Rule("Accept", {PodsHaving({{"role", "db"}})})})))},
     {ToWeb("default/db", "allow Baseline: ClusterNetworkPolicy z ingress[0]"),
      ToWeb("other/job", "deny Baseline: BaselineAdminNetworkPolicy default ingress[0]")}},
    // How they are named; reject and audit
    {"ARuleWithANameIsCalledByIt",
     {},
     {In({Called("no-entry", Rule("Deny", {kAllPods}))})},
     {ToWeb("other/job", "deny Admin: ClusterNetworkPolicy p no-entry")}},
    {"RejectIsThatOfTheDecidingPolicy",
     {},
     {At("a", 1, Rejecting(In({Rule("Deny", {PodsHaving({{"role", "db"}})})}))),
      At("b", 2, In({Rule("Deny", {kAllPods})})), Rejecting(Out({Rule("Accept", {kAllPods})}))},
     {ToWeb("default/db", "reject Admin: ClusterNetworkPolicy a ingress[0]"),
      ToWeb("other/job", "deny Admin: ClusterNetworkPolicy b ingress[0]"),
      FromWeb("other/job", kOutAccepted)}},
    {"AnAuditPolicyHasNoEffect",
     {},
     {Audited(At("a", 1, In({Rule("Accept", {kAllPods})}))), In({Rule("Deny", {kAllPods})})},
     {ToWeb("other/job", kDenied)}},
};

class EvaluatorTierTest : public testing::TestWithParam<RawCase> {};
TEST_P(EvaluatorTierTest, SaysWhatTheApiSays) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(ClusterPolicy, EvaluatorTierTest, testing::ValuesIn(kCases), RawCaseName);

TEST_P(EvaluatorTierTest, TheOrderOfTheInputMakesNoDifference) {
  RawCase reversed = GetParam();
  std::reverse(reversed.cluster_policies.begin(), reversed.cluster_policies.end());
  std::reverse(reversed.policies.begin(), reversed.policies.end());
  Check(reversed);
}

TEST(EvaluatorTier, AuditPoliciesTakeTheirPlaceInTheOrder) {
  const RawCase c = {.policies = {kOnlyDb},
                     .cluster_policies = {Audited(At("a", 1, In({Rule("Pass", {kAllPods})}))),
                                          In({Rule("Deny", {kAllPods})})}};
  const PolicyInput input = InputOf(c);
  const RawVerdict verdict = Evaluator(input).Evaluate(FlowOf(input, ToWeb("default/db", kDenied)));
  EXPECT_EQ(TableText(verdict.ingress), kDenied);
  EXPECT_EQ(TableText(verdict.audited_ingress), kNetworkAllow);
  EXPECT_EQ(TableText(verdict.audited_egress), "allow");
  EXPECT_FALSE(verdict.allow);
}

}  // namespace
}  // namespace sluice::acl
