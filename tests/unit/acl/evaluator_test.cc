// The evaluator against SEMANTICS lines 1-16, 24 and 25: expectations by hand.
//
// Line 15 is about readers, lines 26, 28 and 29 about packets, line 30 about networks: not here.
// Cluster-wide policies: evaluator_cluster_test.cc.
#include <gtest/gtest.h>

#include "tests/unit/acl/evaluator_table.h"

namespace sluice::acl {
namespace {

constexpr Family kV6 = Family::kIpv6;
const std::string kIn0 = "allow NetworkPolicy: NetworkPolicy default/p ingress[0]";
const std::string kIn1 = "allow NetworkPolicy: NetworkPolicy default/p ingress[1]";
const std::string kOut0 = "allow NetworkPolicy: NetworkPolicy default/p egress[0]";
const std::string kDeny = "deny NetworkPolicy: NetworkPolicy default/p";
const LabelSelector kWeb = Having({{"app", "web"}});

using Rules = std::vector<NetworkPolicyRule>;

NetworkPolicyRule Peers(std::vector<NetworkPolicyPeer> peers) {
  return {.peers = std::move(peers), .ports = {}};
}
NetworkPolicyRule Ports(std::vector<NetworkPolicyPort> ports) {
  return {.peers = {}, .ports = std::move(ports)};
}

// default/p on app=web; without policyTypes.
NetworkPolicy Untyped(Rules ingress, Rules egress) {
  return {.namespace_name = "default",
          .name = "p",
          .pod_selector = kWeb,
          .ingress = std::move(ingress),
          .egress = std::move(egress)};
}
NetworkPolicy Typed(std::vector<std::string> types, Rules ingress, Rules egress) {
  NetworkPolicy policy = Untyped(std::move(ingress), std::move(egress));
  policy.policy_types = std::move(types);
  return policy;
}
NetworkPolicy In(Rules rules) { return Typed({"Ingress"}, std::move(rules), {}); }
NetworkPolicy Out(Rules rules) { return Typed({"Egress"}, {}, std::move(rules)); }
NetworkPolicy Named(const std::string& name, NetworkPolicy policy) {
  policy.name = name;
  return policy;
}
NetworkPolicy On(LabelSelector pods, NetworkPolicy policy) {
  policy.pod_selector = std::move(pods);
  return policy;
}
NetworkPolicy Of(const std::string& namespace_name, NetworkPolicy policy) {
  policy.namespace_name = namespace_name;
  return policy;
}
NetworkPolicy Legacy(NetworkPolicy policy) {
  policy.legacy = true;
  return policy;
}
NetworkPolicy Rejecting(NetworkPolicy policy) {
  policy.options.reject = true;
  return policy;
}
NetworkPolicy Audited(NetworkPolicy policy) {
  policy.options.audit = true;
  return policy;
}

// To default/web over TCP/80, from pods (whose own egress is free) or from addresses.
RawProbe ToWeb(const std::string& from, const std::string& ingress) {
  const bool pod = from.find('/') != std::string::npos && from != "default/host";
  return {from, "default/web", "tcp", 80, pod ? "allow" : "-", ingress};
}
RawProbe FromWeb(const std::string& to, const std::string& egress) {
  const bool pod = to.find('/') != std::string::npos && to != "default/host";
  return {"default/web", to, "tcp", 80, egress, pod ? "allow" : "-"};
}
RawProbe On6(RawProbe probe) {
  probe.family = kV6;
  return probe;
}
RawProbe Service(const std::string& protocol, uint16_t port, RawProbe probe) {
  probe.protocol = protocol;
  probe.port = port;
  return probe;
}

// The annotation of before 1.7 on namespace default.
void Annotate(PolicyInput& input) { input.namespaces[0].ingress_default_deny = true; }

const std::vector<RawCase> kCases = {
    // Line 1
    {"WithoutPolicyTypesAndEgressRulesOnlyIngressIsClosed",
     {Untyped({}, {})},
     {},
     {ToWeb("default/client", kDeny), FromWeb("default/client", "allow")}},
    {"EgressRulesWithoutPolicyTypesIsolateBothDirections",
     {Untyped({}, {Peers({Pods(Having({{"role", "db"}}))})})},
     {},
     {ToWeb("default/client", kDeny), FromWeb("default/db", kOut0),
      FromWeb("default/client", kDeny)}},
    // Line 2
    {"RulesOfADirectionThatIsNotListedAreIgnored",
     {Typed({"Egress"}, {Peers({Pods({})})}, {Peers({})})},
     {},
     {ToWeb("other/job", "allow"), FromWeb("other/job", kOut0)}},
    {"AListedDirectionWithoutRulesIsClosed",
     {Typed({"Egress"}, {}, {})},
     {},
     {ToWeb("other/job", "allow"), FromWeb("other/job", kDeny)}},
    // Line 3
    {"AnEmptySelectorSelectsEveryPodOfTheNamespaceAndNoOther",
     {On({}, In({}))},
     {},
     {ToWeb("default/db", kDeny),
      {"other/web", "default/db", "tcp", 80, "allow", kDeny},
      {"default/db", "other/web", "tcp", 80, "allow", "allow"}}},
    // Line 4
    {"ARuleWithoutPeersAndPortsMatchesEverything",
     {In({Peers({})})},
     {},
     {ToWeb("other/job", kIn0), ToWeb("203.0.113.9", kIn0), On6(ToWeb("2001:db8::1", kIn0)),
      Service("icmp", 0, ToWeb("203.0.113.9", kIn0))}},
    {"APeerThatMatchesNothingStillIsolates",
     {In({Peers({Pods(Having({{"role", "nobody"}}))})})},
     {},
     {ToWeb("default/db", kDeny), ToWeb("203.0.113.9", kDeny)}},
    // Line 5
    {"APodSelectorAloneMeansTheOwnNamespace",
     {In({Peers({Pods({})})})},
     {},
     {ToWeb("default/db", kIn0), ToWeb("other/job", kDeny)}},
    {"BothSelectorsInOnePeerMustMatch",
     {In({Peers({PodsOf(Having({{"project", "myprojects"}}), kWeb)})})},
     {},
     {ToWeb("other/web", kIn0), ToWeb("other/job", kDeny), ToWeb("plain/pod", kDeny)}},
    {"EitherOfTwoPeersSuffices",
     {In({Peers(
         {Namespaces(Having({{"project", "myprojects"}})), Pods(Having("role", "Exists"))})})},
     {},
     {ToWeb("other/job", kIn0), ToWeb("default/db", kIn0), ToWeb("plain/pod", kDeny)}},
    {"AllNamespacesMeansPodsAndNothingElse",
     {Typed({"Ingress", "Egress"}, {Peers({Namespaces({})})}, {Peers({Namespaces({})})})},
     {},
     {ToWeb("plain/pod", kIn0), ToWeb("203.0.113.9", kDeny), ToWeb("192.168.0.2", kDeny),
      FromWeb("default/host", kDeny), FromWeb("192.168.0.1", kDeny)}},
    // Line 6
    {"NotInAndDoesNotExistMatchWithoutTheKey",
     {In({Peers({Pods(Having("role", "NotIn", {"db"}))}),
          Peers({PodsOf({}, Having("role", "DoesNotExist"))})})},
     {},
     {ToWeb("default/client", kIn0), ToWeb("default/db", kDeny), ToWeb("other/job", kIn1)}},
    {"AnEmptyValueIsNotAnAbsentLabel",
     {In({Peers({Pods(Having("empty", "Exists"))}), Peers({Pods(Having({{"role", ""}}))})})},
     {},
     {ToWeb("default/db", kIn0), ToWeb("default/client", kDeny)}},
    {"TheNameLabelHoldsOnEveryNamespace",
     {In({Peers({Namespaces(Having({{"kubernetes.io/metadata.name", "plain"}}))}),
          Peers({Namespaces(Having({{"kubernetes.io/metadata.name", "other"}}))})})},
     {},
     {ToWeb("plain/pod", kIn0), ToWeb("other/job", kIn1), ToWeb("default/db", kDeny)}},
    // Line 7
    {"AnEmptyPortEntryIsAllOfTcpAndNothingElse",
     {In({Ports({Port("")})})},
     {},
     {ToWeb("other/job", kIn0), Service("tcp", 65535, ToWeb("other/job", kIn0)),
      Service("udp", 80, ToWeb("other/job", kDeny)),
      Service("sctp", 80, ToWeb("other/job", kDeny))}},
    {"EndPortIsInclusive",
     {In({Ports({Port("", 80, 90)})})},
     {},
     {Service("tcp", 79, ToWeb("other/job", kDeny)), Service("tcp", 80, ToWeb("other/job", kIn0)),
      Service("tcp", 90, ToWeb("other/job", kIn0)), Service("tcp", 91, ToWeb("other/job", kDeny))}},
    {"AnSctpRuleIsolatesTcpAllTheSame",
     {In({Ports({Port("SCTP", 80)})})},
     {},
     {Service("sctp", 80, ToWeb("other/job", kIn0)), ToWeb("other/job", kDeny)}},
    // Line 8
    {"ANamedPortIsThatOfEachDestinationPod",
     {On({}, Typed({"Ingress", "Egress"}, {Ports({NamedPortOf("TCP", "http")})},
                   {Ports({NamedPortOf("TCP", "http")})}))},
     {},
     {{"default/client", "default/web", "tcp", 8080, kOut0, kIn0},
      {"default/client", "default/web", "tcp", 8081, kDeny, kDeny},  // a second "http" of TCP
      {"default/client", "default/db", "tcp", 9090, kOut0, kIn0},
      {"default/client", "default/db", "tcp", 8080, kDeny, kDeny},
      {"default/client", "other/web", "tcp", 7000, kOut0, "allow"},
      {"default/client", "203.0.113.9", "tcp", 8080, kDeny, "-"},
      {"default/client", "default/host", "tcp", 6000, kDeny, "-"},
      {"203.0.113.9", "default/web", "tcp", 8080, "-", kIn0}}},
    {"ANamedPortHasTheProtocolOfItsEntry",
     {In({Ports({NamedPortOf("UDP", "http"), NamedPortOf("UDP", "dns")})})},
     {},
     {Service("udp", 8080, ToWeb("other/job", kDeny)), Service("udp", 53, ToWeb("other/job", kIn0)),
      Service("tcp", 53, ToWeb("other/job", kDeny))}},
    // Line 9
    {"PeersAndPortsCombineInsideOneRuleOnly",
     {In({{.peers = {Pods(Having({{"role", "db"}}))}, .ports = {Port("", 80)}},
          {.peers = {Pods(Having({{"role", "client"}}))}, .ports = {Port("", 443)}}})},
     {},
     {ToWeb("default/db", kIn0), Service("tcp", 443, ToWeb("default/db", kDeny)),
      ToWeb("default/client", kDeny), Service("tcp", 443, ToWeb("default/client", kIn1))}},
    {"AllowsOfAllPoliciesAreAUnion",
     {Named("z", In({Peers({Pods(Having({{"role", "db"}}))})})), Named("a", In({})),
      Of("other", Named("m", In({Peers({})})))},
     {},
     {ToWeb("default/db", "allow NetworkPolicy: NetworkPolicy default/z ingress[0]"),
      ToWeb("default/client",
            "deny NetworkPolicy: NetworkPolicy default/a, NetworkPolicy default/z")}},
    {"TheFirstAllowingPolicyByNameIsNamed",
     {Named("b", In({Peers({})})), Named("a", In({Ports({Port("", 443)}), Peers({})}))},
     {},
     {ToWeb("other/job", "allow NetworkPolicy: NetworkPolicy default/a ingress[1]")}},
    // Line 10
    {"ExceptTrimsItsOwnBlockOnly",
     {In({Peers({Block("203.0.113.0/24", {"203.0.113.8/29"}), Block("203.0.113.10/32")})})},
     {},
     {ToWeb("203.0.113.7", kIn0), ToWeb("203.0.113.9", kDeny), ToWeb("203.0.113.10", kIn0)}},
    {"ABlockMeansPodsAndNodesToo",
     {In({Peers({Block("10.0.1.0/24"), Block("192.168.0.2/32")})})},
     {},
     {ToWeb("other/job", kIn0), ToWeb("default/db", kDeny), ToWeb("192.168.0.2", kIn0)}},
    {"HostBitsOfABlockAreMasked",
     {In({Peers({Block("203.0.113.77/24")})})},
     {},
     {ToWeb("203.0.113.1", kIn0), ToWeb("203.0.112.77", kDeny)}},
    {"ABlockOfOneFamilySaysNothingOfTheOther",
     {Typed({"Ingress", "Egress"}, {Peers({Block("0.0.0.0/0")})}, {Peers({Block("::/0")})})},
     {},
     {ToWeb("203.0.113.9", kIn0), On6(ToWeb("2001:db8::1", kDeny)), FromWeb("203.0.113.9", kDeny),
      On6(FromWeb("2001:db8::1", kOut0))}},
    // Line 11
    {"HostNetworkPodsAreNeitherSubjectNorPeer",
     {On({}, Typed({"Ingress", "Egress"}, {Peers({Namespaces({})})}, {Peers({Namespaces({})})}))},
     {},
     {{"default/host", "other/web", "tcp", 80, "-", "allow"},
      {"other/web", "default/host", "tcp", 80, "allow", "-"},
      {"default/client", "default/host", "tcp", 80, kDeny, "-"}}},
    {"OnlyThePodsOwnNodeIsExemptAndOnlyInwards",
     {Typed({"Ingress", "Egress"}, {}, {})},
     {},
     {ToWeb("192.168.0.1", "allow"), ToWeb("default/host", "allow"), ToWeb("192.168.0.2", kDeny),
      FromWeb("192.168.0.1", kDeny)}},
    {"APodAlwaysReachesItself",
     {Typed({"Ingress", "Egress"}, {}, {})},
     {},
     {{"default/web", "default/web", "tcp", 80, "allow", "allow"},
      {"default/web", "default/web", "tcp", 80, "allow", "allow", kV6}}},
    // Line 12
    {"EachEndHasItsOwnVerdict",
     {In({Peers({Pods(Having({{"role", "client"}}))})}),
      Named("q", On(Having({{"role", "client"}}), Out({})))},
     {},
     {{"default/client", "default/web", "tcp", 80, "deny NetworkPolicy: NetworkPolicy default/q",
       kIn0},
      {"default/web", "default/client", "tcp", 80, "allow", "allow"}}},
    // Line 13
    {"AnAddressOfTheClusterThatNoPodHasIsNeverAdmitted",
     {In({Peers({}), Peers({Block("0.0.0.0/0")})})},
     {},
     {ToWeb("10.0.77.77", kDeny), ToWeb("10.1.0.1", kIn0), On6(ToWeb("fd00::9999", kDeny))}},
    {"WithoutClusterCidrsSuchAnAddressIsOutside",
     {In({Peers({})})},
     {},
     {ToWeb("10.0.77.77", kIn0)},
     [](PolicyInput& input) { input.cluster_cidrs.clear(); }},
    {"ANodeInsideTheClusterCidrsIsKnown",
     {In({Peers({Block("10.0.0.0/8")})})},
     {},
     {ToWeb("10.0.50.1", kIn0), ToWeb("10.0.50.2", kIn0), ToWeb("10.0.50.3", kDeny)},
     [](PolicyInput& input) {
       input.nodes.push_back({"node-c", {}, {Address("10.0.50.1")}});
       input.endpoints[1].node = "node-d";  // which nobody lists
       input.endpoints[1].node_addresses = {Address("10.0.50.2")};
     }},
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
    // Line 25
    {"PoliciesThatListPortsDoNotAdmitIcmp",
     {In({Ports({Port("TCP"), Port("UDP"), Port("SCTP")})})},
     {},
     {Service("icmp", 0, ToWeb("other/job", kDeny)), ToWeb("other/job", kIn0)}},

    // An address that two pods claim.
    {"OfTwoPodsWithOneAddressTheLocalOneCounts",
     {In({Peers({Pods(Having({{"role", "db"}}))})})},
     {},
     {{"10.0.0.2", "default/web", "tcp", 80, "-", kIn0}},
     [](PolicyInput& input) {
       input.all_local = false;
       input.local = {{"default", "web"}, {"default", "db"}};
       input.endpoints[3].addresses = {Address("10.0.0.2")};  // other/web, remote
     }},
    {"AnAddressOfTwoDifferentPodsIsUnknown",
     {In({Peers({})})},
     {},
     {ToWeb("10.0.0.2", kDeny)},
     [](PolicyInput& input) { input.endpoints[3].addresses = {Address("10.0.0.2")}; }},
    {"AnAddressOfTwoPodsThatNothingTellsApartIsTheirs",
     {In({Peers({Pods(Having({{"role", "db"}}))})})},
     {},
     {ToWeb("10.0.0.2", kIn0)},
     [](PolicyInput& input) {
       Endpoint twin = input.endpoints[1];
       twin.name = "twin";
       input.endpoints.push_back(twin);
     }},
    {"OnlyLocalPodsAreJudged",
     {On({}, Typed({"Ingress", "Egress"}, {}, {}))},
     {},
     {{"default/client", "default/web", "tcp", 80, "-", kDeny},
      {"default/web", "default/client", "tcp", 80, kDeny, "-"}},
     [](PolicyInput& input) {
       input.all_local = false;
       input.local = {{"default", "web"}};
     }},
};

class EvaluatorTest : public testing::TestWithParam<RawCase> {};
TEST_P(EvaluatorTest, SaysWhatTheApiSays) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(NetworkPolicy, EvaluatorTest, testing::ValuesIn(kCases), RawCaseName);

// Both answers of default/web's ingress from `from`: in force, and audited.
std::pair<std::string, std::string> Both(const RawCase& c, const std::string& from) {
  const PolicyInput input = InputOf(c);
  const RawVerdict verdict = Evaluator(input).Evaluate(FlowOf(input, ToWeb(from, "")));
  EXPECT_EQ(verdict.audited_egress.has_value(), verdict.audited_ingress.has_value());
  return {ToText(verdict.ingress), ToText(verdict.audited_ingress)};
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
  EXPECT_EQ(ToText(verdict.audited_ingress), "allow");
  EXPECT_EQ(ToText(verdict.audited_egress), "-");
}

}  // namespace
}  // namespace sluice::acl
