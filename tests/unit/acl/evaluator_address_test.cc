// The evaluator against SEMANTICS lines 10-13: what an address is to a NetworkPolicy. Expectations
// by hand.
#include <gtest/gtest.h>

#include "tests/unit/acl/evaluator_policies.h"

namespace sluice::acl {
namespace {

constexpr char kDenyBoth[] = "deny NetworkPolicy: NetworkPolicy default/p, NetworkPolicy default/q";

const std::vector<RawCase> kCases = {
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
    {"APolicyMayCloseItsPodsToTheirOwnNode",
     {Typed({"Ingress", "Egress"}, {}, {}), Named("q", JudgingOwnNode(In({})))},
     {},
     {ToWeb("192.168.0.1", kDenyBoth),
      ToWeb("default/host", kDenyBoth),
      {"default/web", "default/web", "tcp", 80, "allow", "allow"}}},
    {"WhatAdmitsTheNodeStillDoes",
     {JudgingOwnNode(In({Peers({Block("192.168.0.1/32")})}))},
     {},
     {ToWeb("192.168.0.1", "allow"), ToWeb("192.168.0.2", kDeny)}},
    {"ClosingEgressSaysNothingOfTheOwnNode",
     {JudgingOwnNode(Out({}))},
     {},
     {ToWeb("192.168.0.1", "allow")}},
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
    {"AnAddressOfTwoDifferentPodsIsUnknownOutsideTheClusterCidrsToo",
     {In({Peers({})})},
     {},
     {ToWeb("10.0.0.2", kDeny)},
     [](PolicyInput& input) {
       input.cluster_cidrs.clear();
       input.endpoints[3].addresses = {Address("10.0.0.2")};
     }},
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

class EvaluatorAddressTest : public testing::TestWithParam<RawCase> {};
TEST_P(EvaluatorAddressTest, SaysWhatTheApiSays) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(NetworkPolicy, EvaluatorAddressTest, testing::ValuesIn(kCases),
                         RawCaseName);

}  // namespace
}  // namespace sluice::acl
