// SEMANTICS lines 4-6, 10, 11: whom a peer means.
#include <gtest/gtest.h>

#include "acl/exemption.h"
#include "tests/unit/acl/cluster.h"

namespace sluice::acl {
namespace {

constexpr Family kV6 = Family::kIpv6;

// Policies default/p on app=web, for one direction with one rule.
NetworkPolicy From(std::vector<NetworkPolicyPeer> peers) {
  return {.namespace_name = "default",
          .name = "p",
          .pod_selector = Having({{"app", "web"}}),
          .policy_types = {"Ingress"},
          .ingress = {{.peers = std::move(peers)}}};
}

NetworkPolicy To(std::vector<NetworkPolicyPeer> peers) {
  return {.namespace_name = "default",
          .name = "p",
          .pod_selector = Having({{"app", "web"}}),
          .policy_types = {"Egress"},
          .egress = {{.peers = std::move(peers)}}};
}

NetworkPolicy Named(const std::string& name, NetworkPolicy policy) {
  policy.name = name;
  return policy;
}

NetworkPolicy JudgingOwnNode(NetworkPolicy policy) {
  policy.options.judges_own_node = true;
  return policy;
}

Probe In(const std::string& from, bool reaches, Family family = Family::kIpv4) {
  return {from, "default/web", "tcp", 80, reaches, family};
}
Probe Out(const std::string& to, bool reaches, Family family = Family::kIpv4) {
  return {"default/web", to, "tcp", 80, reaches, family};
}

const std::vector<Case> kCases = {
    // Line 4
    {"AnEmptyFromAdmitsEverybody",
     {From({})},
     {In("other/job", true), In("203.0.113.9", true), In("2001:db8::1", true, kV6)}},
    {"AnEmptyToAdmitsEverybody",
     {To({})},
     {Out("other/job", true), Out("203.0.113.9", true), Out("2001:db8::1", true, kV6)}},
    {"AnEmptyFromDoesNotAdmitUnknownAddressesOfTheCluster",
     {From({})},
     {In("10.0.200.1", false), In("fd00::9999", false, kV6)}},
    {"APeerThatMatchesNothingStillIsolates",
     {From({Pods(Having({{"role", "nobody-has-this"}}))})},
     {In("default/db", false), In("other/job", false), In("203.0.113.9", false)}},

    // Line 5
    {"APodSelectorAloneMeansTheOwnNamespace",
     {From({Pods(Having({{"role", "db"}})), Pods(Having({{"app", "web"}}))})},
     {In("default/db", true), In("other/web", false), In("plain/pod", false)}},
    {"AnEmptyPodSelectorMeansTheWholeOwnNamespace",
     {From({Pods({})})},
     {In("default/db", true), In("default/client", true), In("other/job", false),
      In("203.0.113.9", false)}},
    {"BothSelectorsInOnePeerAreAnd",
     {From({PodsOf(Having({{"project", "myprojects"}}), Having({{"app", "web"}}))})},
     {In("other/web", true), In("other/job", false), In("plain/pod", false),
      In("default/db", false)}},
    {"TwoPeersAreOr",
     {From({Namespaces(Having({{"project", "myprojects"}})), Pods(Having({{"role", "db"}}))})},
     {In("other/web", true), In("other/job", true), In("default/db", true),
      In("default/client", false)}},
    {"AnEmptyNamespaceSelectorMeansPodsNotOutsideAddresses",
     {From({Namespaces({})})},
     {In("other/job", true), In("plain/pod", true), In("default/db", true),
      In("203.0.113.9", false), In("192.168.0.2", false), In("10.0.200.1", false)}},
    {"AnEmptyNamespaceSelectorWithAPodSelectorSelectsAcrossNamespaces",
     {From({PodsOf({}, Having({{"app", "web"}}))})},
     {In("other/web", true), In("plain/pod", true), In("default/db", false),
      In("other/job", false)}},

    // Line 6
    {"NotInMatchesPodsWithoutTheKey",
     {From({PodsOf({}, Having("role", "NotIn", {"db"}))})},
     {In("other/job", true), In("default/client", true), In("default/db", false)}},
    {"DoesNotExistMatchesPodsWithoutTheKey",
     {From({PodsOf({}, Having("role", "DoesNotExist"))})},
     {In("other/job", true), In("default/client", false), In("default/db", false)}},
    {"ExistsMatchesAnEmptyValue",
     {From({PodsOf({}, Having("empty", "Exists"))})},
     {In("default/db", true), In("default/client", false)}},
    {"AnEmptyValueIsNotAnAbsentLabel",
     {From({PodsOf({}, Having({{"empty", ""}}))})},
     {In("default/db", true), In("default/client", false), In("other/job", false)}},
    {"NotInAnEmptyValueRefusesTheEmptyValueOnly",
     {From({PodsOf({}, Having("empty", "NotIn", {""}))})},
     {In("default/db", false), In("default/client", true), In("other/job", true)}},
    {"InMatchesAnyOfItsValues",
     {From({Pods(Having("role", "In", {"db", "client"}))})},
     {In("default/db", true), In("default/client", true), In("other/job", false)}},
    {"EveryTermOfASelectorMustHold",
     {From({Pods({.match_labels = {{"access", "true"}},
                  .match_expressions = {{"role", "NotIn", {"client"}}}})})},
     {In("default/client", false), In("default/db", false)}},
    {"TheNameLabelHoldsOnEveryNamespaceListedOrNot",
     {From({Namespaces(Having("kubernetes.io/metadata.name", "In", {"other", "plain"}))})},
     {In("other/job", true), In("plain/pod", true), In("default/db", false)}},
    {"NotInOnNamespacesMatchesNamespacesWithoutTheKey",
     {From({Namespaces(Having("project", "NotIn", {"myprojects"}))})},
     {In("plain/pod", true), In("default/db", true), In("other/job", false)}},

    // Line 10
    {"ExceptTrimsItsBlock",
     {From({Block("203.0.0.0/16", {"203.0.113.0/24"})})},
     {In("203.0.1.1", true), In("203.0.113.9", false), In("203.1.0.1", false)}},
    {"ExceptTrimsItsOwnBlockOnly",
     {From({Block("203.0.0.0/16", {"203.0.113.0/24"}), Block("203.0.113.9/32")})},
     {In("203.0.113.9", true), In("203.0.113.10", false)}},
    {"AnotherPolicyMayAdmitWhatExceptTrims",
     {From({Block("203.0.0.0/16", {"203.0.113.0/24"})}),
      Named("q", From({Block("203.0.113.8/29")}))},
     {In("203.0.113.9", true), In("203.0.113.16", false)}},
    {"SeveralExceptsAllTrim",
     {From({Block("203.0.0.0/16", {"203.0.1.0/24", "203.0.2.0/24"})})},
     {In("203.0.1.1", false), In("203.0.2.1", false), In("203.0.3.1", true)}},
    {"ABlockMatchesPodAddresses",
     {From({Block("10.0.0.0/24")}), Named("q", To({Block("10.0.1.2/32")}))},
     {In("default/db", true), In("other/job", false), Out("other/job", true),
      Out("default/db", false)}},
    {"ExceptTrimsPodAddressesToo",
     {From({Block("10.0.0.0/16", {"10.0.0.2/32"})})},
     {In("default/client", true), In("default/db", false)}},
    {"ABlockDoesNotAdmitUnknownAddressesOfTheCluster",
     {From({Block("10.0.0.0/8")})},
     {In("10.0.200.1", false), In("10.1.0.1", true)}},
    {"ABlockInsideTheClusterDoesNotAdmitUnknownAddresses",
     {From({Block("10.0.200.0/24")})},
     {In("10.0.200.1", false)}},
    {"HostBitsAreMasked",
     {From({Block("203.0.113.9/24")})},
     {In("203.0.113.200", true), In("203.0.114.9", false)}},
    {"ASmallerBlockAtTheStartOfALargerOneIsNotTheLargerOne",
     {From({Block("203.0.0.0/24")}), Named("q", To({Block("203.0.0.0/16")}))},
     {In("203.0.0.9", true), In("203.0.1.9", false), Out("203.0.1.9", true)}},
    {"AllOfIpv4SaysNothingAboutIpv6",
     {From({Block("0.0.0.0/0")})},
     {In("203.0.113.9", true), In("other/job", true), In("2001:db8::1", false, kV6),
      In("other/job", false, kV6)}},
    {"AllOfIpv6SaysNothingAboutIpv4",
     {From({Block("::/0")})},
     {In("2001:db8::1", true, kV6), In("other/job", true, kV6), In("203.0.113.9", false),
      In("other/job", false)}},
    {"EgressBlocksOfOneFamilyIsolateTheOther",
     {To({Block("0.0.0.0/0")})},
     {Out("203.0.113.9", true), Out("2001:db8::1", false, kV6)}},

    // Line 11
    {"HostNetworkPodsAreNoSelectorPeer",
     {To({Namespaces({}), Pods(Having({{"app", "web"}}))})},
     {Out("default/host", false), Out("192.168.0.2", false)}},
    {"HostNetworkPodsAreTheirNodesAddress",
     {To({Block("192.168.0.1/32")})},
     {Out("default/host", true)}},
    {"HostNetworkPodsAreNoSubject",
     {{.namespace_name = "default", .name = "all", .policy_types = {"Ingress", "Egress"}}},
     {{"203.0.113.9", "default/host", "tcp", 80, true},
      {"default/host", "203.0.113.9", "tcp", 80, true}}},
    {"TheOwnNodeIsNeverBlocked",
     {From({Pods(Having({{"role", "nobody-has-this"}}))})},
     {In("192.168.0.1", true), In("default/host", true)}},
    {"APolicyMayCloseItsPodsToTheirOwnNode",
     {JudgingOwnNode(From({Pods(Having({{"role", "nobody-has-this"}}))}))},
     {In("192.168.0.1", false), In("default/host", false), In("default/web", true)}},
    {"OnePolicyThatClosesIsEnoughAndItsRulesAdmitTheNode",
     {From({Pods(Having({{"role", "nobody-has-this"}}))}),
      Named("closes", JudgingOwnNode(From({Block("192.168.0.1/32")})))},
     {In("192.168.0.1", true), In("192.168.0.2", false)}},
    {"OtherNodesGetNoExemption",
     {From({Pods(Having({{"role", "nobody-has-this"}}))})},
     {In("192.168.0.2", false)}},
    {"APodAlwaysReachesItself",
     {{.namespace_name = "default", .name = "all", .policy_types = {"Ingress", "Egress"}}},
     {In("default/web", true), In("default/web", true, kV6), In("default/db", false)}},
};

class Peers : public testing::TestWithParam<Case> {};
TEST_P(Peers, Hold) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Semantics, Peers, testing::ValuesIn(kCases), CaseName);

TEST(Exemption, TheOwnNodeIsExemptInwardsOnly) {
  const Endpoint pod = Cluster::Standard().endpoints[0];
  const Decision denied{.allow = false, .tier = Tier::kNetworkPolicy, .rule = 1}, open;
  const auto exempted = [&](const char* peer, Direction direction) {
    return Exempted(denied, pod, Address(peer), direction);
  };
  EXPECT_EQ(exempted("192.168.0.1", Direction::kIngress), open);
  EXPECT_EQ(exempted("192.168.0.1", Direction::kEgress), denied);
  EXPECT_EQ(exempted("fd00::1", Direction::kEgress), open);
  EXPECT_EQ(exempted("10.0.0.2", Direction::kIngress), denied);
}

TEST(Exemption, APolicyMayCloseAPodToItsOwnNodeAndNeverToItself) {
  const Endpoint pod = Cluster::Standard().endpoints[0];
  const Decision denied{.allow = false, .own_node = true, .tier = Tier::kNetworkPolicy, .rule = 1};
  EXPECT_EQ(Exempted(denied, pod, Address("192.168.0.1"), Direction::kIngress), denied);
  EXPECT_EQ(Exempted(denied, pod, Address("fd00::1"), Direction::kIngress), Decision());
}

}  // namespace
}  // namespace sluice::acl
