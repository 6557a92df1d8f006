// The evaluator against SEMANTICS lines 14, 16 and 24: what annotations and settings make of a
// NetworkPolicy, and MultiNetworkPolicy. Expectations by hand.
#include <gtest/gtest.h>

#include "tests/unit/acl/evaluator_policies.h"

namespace sluice::acl {
namespace {

// The annotation of before 1.7 on namespace default.
void Annotate(PolicyInput& input) { input.namespaces[0].ingress_default_deny = true; }

const std::vector<RawCase> kCases = {
    // Line 14
    {"RejectIsSaidOfDenialsAlone",
     {Rejecting(In({Ports({Port("", 443)})})), Named("q", In({}))},
     {},
     {ToWeb("other/job", "reject NetworkPolicy: NetworkPolicy default/p, NetworkPolicy default/q"),
      Service("tcp", 443, ToWeb("other/job", kIn0))}},
    // Line 16
    {"OldPoliciesHaveNoEffectWithoutTheAnnotation",
     {Legacy(In({})), Legacy(Named("q", In({Peers({})})))},
     {},
     {ToWeb("other/job", "allow"), FromWeb("other/job", "allow")}},
    {"TheAnnotationIsolatesEveryPodOfItsNamespaceInwards",
     {},
     {},
     {ToWeb("other/job", "deny NetworkPolicy: Namespace default"),
      {"default/web", "default/db", "tcp", 80, "allow", "deny NetworkPolicy: Namespace default"},
      FromWeb("other/job", "allow")},
     Annotate},
    {"OldPoliciesAdmitToThePodsTheySelect",
     {Legacy(In({Peers({Pods({})})})), Legacy(Named("empty", In({})))},
     {},
     {ToWeb("default/client", kIn0),
      ToWeb("other/job", "deny NetworkPolicy: Namespace default"),
      {"default/client", "default/db", "tcp", 80, "allow",
       "deny NetworkPolicy: Namespace default"}},
     Annotate},
    {"PoliciesOfTodayIsolateAndAdmitBesideTheAnnotation",
     {Rejecting(Named("v1", In({Ports({Port("", 443)})}))), Legacy(In({Ports({Port("", 80)})}))},
     {},
     {ToWeb("other/job", kIn0),
      Service("tcp", 443,
              ToWeb("other/job", "allow NetworkPolicy: NetworkPolicy default/v1 ingress[0]")),
      Service(
          "tcp", 22,
          ToWeb("other/job", "reject NetworkPolicy: Namespace default, NetworkPolicy default/v1")),
      {"other/job", "default/db", "tcp", 443, "allow", "deny NetworkPolicy: Namespace default"}},
     Annotate},
    {"WithTheSettingV1OldPoliciesMeanWhatNewOnesDo",
     {Legacy(In({Ports({Port("", 80)})}))},
     {},
     {ToWeb("other/job", kIn0),
      Service("tcp", 81, ToWeb("other/job", kDeny)),
      {"other/job", "default/db", "tcp", 80, "allow", "allow"}},
     [](PolicyInput& input) {
       Annotate(input);
       input.legacy_policy = LegacyPolicy::kV1;
     }},
    // Line 24
    {"AMultiNetworkPolicyMeansWhatItsNetworkPolicyMeans",
     {Named("q", In({}))},
     {},
     {ToWeb("default/client", "allow NetworkPolicy: MultiNetworkPolicy default/p ingress[0]"),
      ToWeb("other/job",
            "deny NetworkPolicy: MultiNetworkPolicy default/p, NetworkPolicy default/q")},
     [](PolicyInput& input) {
       input.multi_policies = {{In({Peers({Pods({})})}), {"default/fast"}}};
     }},
    {"OfOneNameTheNetworkPolicyIsNamedFirst",
     {In({Peers({})})},
     {},
     {ToWeb("other/job", kIn0)},
     [](PolicyInput& input) {
       input.multi_policies = {{In({Peers({})}), {"default/fast"}}};
     }},
};

class EvaluatorOptionTest : public testing::TestWithParam<RawCase> {};
TEST_P(EvaluatorOptionTest, SaysWhatTheApiSays) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(NetworkPolicy, EvaluatorOptionTest, testing::ValuesIn(kCases),
                         RawCaseName);

// Both answers of default/web's ingress from `from`: in force, and audited.
std::pair<std::string, std::string> Both(const RawCase& c, const std::string& from) {
  const PolicyInput input = InputOf(c);
  const RawVerdict verdict = Evaluator(input).Evaluate(FlowOf(input, ToWeb(from, "")));
  EXPECT_EQ(verdict.audited_egress.has_value(), verdict.audited_ingress.has_value());
  return {TableText(verdict.ingress), TableText(verdict.audited_ingress)};
}
using Pair = std::pair<std::string, std::string>;

TEST(EvaluatorAudit, WithoutAuditPoliciesNothingIsAudited) {
  EXPECT_EQ(Both({.policies = {In({})}}, "other/job"), (Pair{kDeny, "-"}));
}

TEST(EvaluatorAudit, AnAuditPolicyNeitherIsolatesNorAdmits) {
  const RawCase alone = {.policies = {Audited(In({}))}};
  EXPECT_EQ(Both(alone, "other/job"), (Pair{"allow", kDeny}));
  const RawCase beside = {.policies = {Audited(In({Peers({Pods({})})})), Named("q", In({}))}};
  EXPECT_EQ(Both(beside, "default/db"),
            (Pair{"deny NetworkPolicy: NetworkPolicy default/q", kIn0}));
  EXPECT_EQ(Both(beside, "other/job"),
            (Pair{"deny NetworkPolicy: NetworkPolicy default/q",
                  "deny NetworkPolicy: NetworkPolicy default/p, NetworkPolicy default/q"}));
}

TEST(EvaluatorAudit, AuditPoliciesOfOtherPodsStillMeanThatSidesAreAudited) {
  const RawCase elsewhere = {.policies = {In({}), Of("plain", Audited(In({})))}};
  EXPECT_EQ(Both(elsewhere, "other/job"), (Pair{kDeny, kDeny}));
}

TEST(EvaluatorAudit, ExemptionsHoldForAuditedSidesToo) {
  const RawCase closed = {.policies = {Audited(In({}))}};
  const PolicyInput input = InputOf(closed);
  const RawVerdict verdict =
      Evaluator(input).Evaluate(FlowOf(input, ToWeb("default/host", "allow")));
  EXPECT_EQ(TableText(verdict.audited_ingress), "allow");
  EXPECT_EQ(TableText(verdict.audited_egress), "-");
}

}  // namespace
}  // namespace sluice::acl
