// The evaluator against SEMANTICS lines 1-9 and 25: what a NetworkPolicy isolates and admits.
// Expectations by hand.
//
// Line 15 is about readers, lines 26, 28 and 29 about packets, line 30 about networks: not tested
// here.
#include <gtest/gtest.h>

#include "tests/unit/acl/evaluator_policies.h"

namespace sluice::acl {
namespace {

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
    {"NotInMatchesWithoutTheKey",
     {In({Peers({PodsOf({}, Having("role", "NotIn", {"db"}))})})},
     {},
     {ToWeb("default/client", kIn0), ToWeb("default/db", kDeny), ToWeb("other/job", kIn0)}},
    {"DoesNotExistMatchesWithoutTheKeyAlone",
     {In({Peers({PodsOf({}, Having("role", "DoesNotExist"))})})},
     {},
     {ToWeb("default/client", kDeny), ToWeb("other/job", kIn0)}},
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
    // Line 25
    {"PoliciesThatListPortsDoNotAdmitIcmp",
     {In({Ports({Port("TCP"), Port("UDP"), Port("SCTP")})})},
     {},
     {Service("icmp", 0, ToWeb("other/job", kDeny)), ToWeb("other/job", kIn0)}},
};

class EvaluatorTest : public testing::TestWithParam<RawCase> {};
TEST_P(EvaluatorTest, SaysWhatTheApiSays) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(NetworkPolicy, EvaluatorTest, testing::ValuesIn(kCases), RawCaseName);

}  // namespace
}  // namespace sluice::acl
