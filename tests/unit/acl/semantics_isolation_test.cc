// SEMANTICS lines 1-3, 9, 12, 13: whom a policy isolates, and how policies add up.
#include <gtest/gtest.h>

#include "tests/unit/acl/cluster.h"

namespace sluice::acl {
namespace {

constexpr Family kV6 = Family::kIpv6;

NetworkPolicy Policy(const std::string& name) {
  return {.namespace_name = "default", .name = name};
}

NetworkPolicy With(std::vector<std::string> types, std::vector<NetworkPolicyRule> ingress,
                   std::vector<NetworkPolicyRule> egress) {
  NetworkPolicy policy = Policy("p");
  policy.pod_selector = Having({{"app", "web"}});
  policy.policy_types = std::move(types);
  policy.ingress = std::move(ingress);
  policy.egress = std::move(egress);
  return policy;
}

NetworkPolicy Admitting(const std::string& name, NetworkPolicyPeer peer, NetworkPolicyPort port) {
  NetworkPolicy policy = With({"Ingress"}, {{{peer}, {port}}}, {});
  policy.name = name;
  return policy;
}

const NetworkPolicyRule kAny;
const NetworkPolicyRule kNobody{.peers = {Pods(Having({{"role", "none"}}))}};

const std::vector<Case> kCases = {
    {"WithoutPoliciesEverybodyReachesEverybody",
     {},
     {{"other/job", "default/web", "tcp", 80, true},
      {"default/web", "203.0.113.9", "udp", 53, true},
      {"203.0.113.9", "default/web", "icmp", 0, true},
      {"10.0.9.9", "default/web", "tcp", 80, true}}},

    // Line 1
    {"AbsentPolicyTypesIsolateIngressOnly",
     {With({}, {}, {})},
     {{"other/job", "default/web", "tcp", 80, false},
      {"default/web", "other/job", "tcp", 80, true}}},
    {"AbsentPolicyTypesWithAnEgressRuleIsolateBoth",
     {With({}, {}, {kNobody})},
     {{"other/job", "default/web", "tcp", 80, false},
      {"default/web", "other/job", "tcp", 80, false}}},
    {"AbsentPolicyTypesWithAnOpenEgressRuleStillIsolateIngress",
     {With({}, {}, {kAny})},
     {{"other/job", "default/web", "tcp", 80, false},
      {"default/web", "other/job", "tcp", 80, true}}},

    // Line 2
    {"RulesOfADirectionNotListedAreIgnored",
     {With({"Egress"}, {kNobody}, {kAny})},
     {{"other/job", "default/web", "tcp", 80, true}}},
    {"EgressRulesWithIngressListedAreIgnored",
     {With({"Ingress"}, {kAny}, {kNobody})},
     {{"default/web", "other/job", "tcp", 80, true}}},
    {"AListedDirectionWithoutRulesIsClosed",
     {With({"Egress"}, {}, {})},
     {{"default/web", "other/job", "tcp", 80, false},
      {"other/job", "default/web", "tcp", 80, true}}},
    {"BothListedWithoutRulesCloseBoth",
     {With({"Ingress", "Egress"}, {}, {})},
     {{"default/web", "other/job", "tcp", 80, false},
      {"other/job", "default/web", "tcp", 80, false}}},

    // Line 3
    {"AnEmptyPodSelectorSelectsEveryPodOfTheNamespace",
     {Policy("all")},
     {{"other/job", "default/web", "tcp", 80, false},
      {"other/job", "default/db", "tcp", 80, false},
      {"default/web", "default/client", "tcp", 80, false},
      {"default/web", "other/web", "tcp", 80, true}}},

    // Line 9
    {"PeersAndPortsCombineInsideOneRuleOnly",
     {With({},
           {{{Pods(Having({{"role", "db"}}))}, {Port("TCP", 80)}},
            {{Pods(Having({{"role", "client"}}))}, {Port("TCP", 81)}}},
           {})},
     {{"default/db", "default/web", "tcp", 80, true},
      {"default/db", "default/web", "tcp", 81, false},
      {"default/client", "default/web", "tcp", 80, false},
      {"default/client", "default/web", "tcp", 81, true}}},
    {"AllowsOfSeveralPoliciesAreAUnion",
     {Admitting("z", Pods(Having({{"role", "db"}})), Port("TCP", 80)), Policy("deny-all"),
      Admitting("a", Pods(Having({{"role", "client"}})), Port("TCP", 81))},
     {{"default/db", "default/web", "tcp", 80, true},
      {"default/db", "default/web", "tcp", 81, false},
      {"default/client", "default/web", "tcp", 81, true},
      {"other/job", "default/web", "tcp", 80, false}}},

    // Line 12
    {"BothSidesMustAllow",
     {With({"Egress"}, {}, {{{Pods(Having({{"role", "db"}}))}, {}}}),
      {.namespace_name = "default",
       .name = "db",
       .pod_selector = Having({{"role", "db"}}),
       .ingress = {{.peers = {Pods(Having({{"role", "client"}}))}}}}},
     {{"default/web", "default/db", "tcp", 80, false},        // egress yes, ingress no
      {"default/client", "default/db", "tcp", 80, true},      // egress free, ingress yes
      {"default/web", "default/client", "tcp", 80, false}}},  // egress no, ingress free
    {"ANewConnectionTheOtherWayIsJudgedByItself",
     {With({"Ingress", "Egress"}, {{{Pods(Having({{"role", "client"}}))}, {}}}, {})},
     {{"default/client", "default/web", "tcp", 80, true},
      {"default/web", "default/client", "tcp", 80, false}}},

    {"IsolationHoldsForBothFamilies",
     {Policy("all")},
     {{"other/job", "default/web", "tcp", 80, false, kV6},
      {"default/web", "other/job", "tcp", 80, true, kV6}}},
};

class Isolation : public testing::TestWithParam<Case> {};
TEST_P(Isolation, Holds) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Semantics, Isolation, testing::ValuesIn(kCases), CaseName);

// Line 9: keyed by namespace and name.
TEST(Semantics, PoliciesOfOneNameInTwoNamespacesBothHold) {
  PolicyInput input = Cluster::Standard();
  input.policies = {{.namespace_name = "default", .name = "p"},
                    {.namespace_name = "other", .name = "p"}};
  const Cluster cluster(input);
  EXPECT_FALSE(cluster.Try("plain/pod", "default/web", "tcp", 80).reaches());
  EXPECT_FALSE(cluster.Try("plain/pod", "other/web", "tcp", 80).reaches());
}

// Line 13: Compile looks at nothing but the current state, so each step is a state of its own.
class Change : public testing::Test {
 protected:
  Change() : input(Cluster::Standard()) {
    input.policies = {With({}, {{{Pods(Having({{"role", "client"}}))}, {}}}, {})};
  }
  bool Reaches(const std::string& from, const std::string& to) const {
    return Cluster(input).Try(from, to, "tcp", 80).reaches();
  }
  Endpoint& Web() { return input.endpoints[0]; }
  Endpoint& Client() { return input.endpoints[2]; }

  PolicyInput input;
};

TEST_F(Change, TheAddressOfADeletedPodCarriesNoLabels) {
  EXPECT_TRUE(Reaches("10.0.0.3", "default/web"));
  input.endpoints.erase(input.endpoints.begin() + 2);
  EXPECT_FALSE(Reaches("10.0.0.3", "default/web"));
}

TEST_F(Change, AFinishedPodWithoutAddressesIsNobodysPeer) {
  Client().addresses.clear();
  EXPECT_FALSE(Reaches("10.0.0.3", "default/web"));
}

TEST_F(Change, AReusedAddressInheritsNothing) {
  Client().name = "newcomer";
  Client().labels = {};
  EXPECT_FALSE(Reaches("10.0.0.3", "default/web"));
}

TEST_F(Change, APodMadeAfterThePolicyIsCovered) {
  Endpoint late = Web();
  late.name = "late";
  late.addresses = {Address("10.0.0.77")};
  input.endpoints.push_back(late);
  EXPECT_FALSE(Reaches("other/job", "default/late"));
  EXPECT_TRUE(Reaches("default/client", "default/late"));
}

TEST_F(Change, APodThatLeavesTheSelectionIsFree) {
  EXPECT_FALSE(Reaches("other/job", "default/web"));
  Web().labels = {};
  EXPECT_TRUE(Reaches("other/job", "default/web"));
}

TEST_F(Change, ANewPodSelectorRemovesTheOldEffect) {
  input.policies[0].pod_selector = Having({{"role", "db"}});
  EXPECT_TRUE(Reaches("other/job", "default/web"));
  EXPECT_FALSE(Reaches("other/job", "default/db"));
}

TEST_F(Change, NewPolicyTypesRemoveTheOldEffect) {
  input.policies[0].policy_types = {"Egress"};
  EXPECT_TRUE(Reaches("other/job", "default/web"));
  EXPECT_FALSE(Reaches("default/web", "other/job"));
}

TEST_F(Change, DeletingOneOfTwoPoliciesKeepsTheOther) {
  input.policies.push_back(Admitting("job", Namespaces(Having({})), Port("TCP", 80)));
  EXPECT_TRUE(Reaches("other/job", "default/web"));
  input.policies.pop_back();
  EXPECT_FALSE(Reaches("other/job", "default/web"));
  EXPECT_TRUE(Reaches("default/client", "default/web"));
}

TEST_F(Change, ChangedNamespaceLabelsChangeItsPods) {
  input.policies = {
      Admitting("ns", Namespaces(Having({{"project", "myprojects"}})), Port("TCP", 80))};
  EXPECT_TRUE(Reaches("other/job", "default/web"));
  input.namespaces[1].labels = {};
  EXPECT_FALSE(Reaches("other/job", "default/web"));
}

}  // namespace
}  // namespace sluice::acl
