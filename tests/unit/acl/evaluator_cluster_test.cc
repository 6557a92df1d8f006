// The evaluator against SEMANTICS lines 17-23 and 27: cluster-wide policies, expectations by hand.
//
// The syntax of names (line 22) and what is refused (line 23) are not here: readers see to them.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/acl/evaluator_table.h"

namespace sluice::acl {
namespace {

constexpr Family kV6 = Family::kIpv6;
const LabelSelector kWeb = Having({{"app", "web"}});
const PodsPeer kDefaultWeb = {Having({{"kubernetes.io/metadata.name", "default"}}), kWeb};
const PodsPeer kAllPods = {};
const NodesPeer kAllNodes = {};
const std::string kDenied = "deny Admin: ClusterNetworkPolicy p ingress[0]";
const std::string kAccepted = "allow Admin: ClusterNetworkPolicy p ingress[0]";
const std::string kOutDenied = "deny Admin: ClusterNetworkPolicy p egress[0]";
const std::string kOutAccepted = "allow Admin: ClusterNetworkPolicy p egress[0]";

using Rules = std::vector<ClusterRule>;

PodsPeer PodsHaving(Labels labels) { return {{}, Having(std::move(labels))}; }
PodsPeer NamespacesHaving(Labels labels) { return {Having(std::move(labels)), {}}; }

ClusterRule Rule(std::string action, std::vector<ClusterPeer> peers,
                 std::vector<ClusterPort> ports = {}) {
  return {.name = "",
          .action = std::move(action),
          .peers = std::move(peers),
          .ports = std::move(ports)};
}
ClusterRule Called(const std::string& name, ClusterRule rule) {
  rule.name = name;
  return rule;
}

// On default/web, in tier Admin with priority 10.
ClusterPolicy Policy(Rules ingress, Rules egress) {
  return {.name = "p",
          .tier = "Admin",
          .priority = 10,
          .subject = kDefaultWeb,
          .ingress = std::move(ingress),
          .egress = std::move(egress)};
}
ClusterPolicy In(Rules rules) { return Policy(std::move(rules), {}); }
ClusterPolicy Out(Rules rules) { return Policy({}, std::move(rules)); }
ClusterPolicy Baseline(ClusterPolicy policy) {
  policy.tier = "Baseline";
  return policy;
}
ClusterPolicy At(const std::string& name, int64_t priority, ClusterPolicy policy) {
  policy.name = name;
  policy.priority = priority;
  return policy;
}
ClusterPolicy Admin(ClusterPolicy policy) {
  policy.kind = ClusterPolicyKind::kAdminNetworkPolicy;
  return policy;
}
ClusterPolicy BaselineAdmin(ClusterPolicy policy) {
  policy.kind = ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  policy.tier = "Baseline";
  policy.name = "default";
  return policy;
}
ClusterPolicy Rejecting(ClusterPolicy policy) {
  policy.options.reject = true;
  return policy;
}
ClusterPolicy Audited(ClusterPolicy policy) {
  policy.options.audit = true;
  return policy;
}
ClusterPolicy For(PodsPeer subject, ClusterPolicy policy) {
  policy.subject = std::move(subject);
  return policy;
}

// NetworkPolicy default/n on app=web: lets in role=db, nobody else.
const NetworkPolicy kOnlyDb = {
    .namespace_name = "default",
    .name = "n",
    .pod_selector = kWeb,
    .policy_types = {"Ingress"},
    .ingress = {{.peers = {Pods(Having({{"role", "db"}}))}, .ports = {}}}};
const std::string kNetworkDeny = "deny NetworkPolicy: NetworkPolicy default/n";
const std::string kNetworkAllow = "allow NetworkPolicy: NetworkPolicy default/n ingress[0]";

RawProbe ToWeb(const std::string& from, const std::string& ingress,
               const std::string& protocol = "tcp", uint16_t port = 80) {
  const bool pod = from.find('/') != std::string::npos;
  return {from, "default/web", protocol, port, pod ? "allow" : "-", ingress};
}
RawProbe FromWeb(const std::string& to, const std::string& egress,
                 const std::string& protocol = "tcp", uint16_t port = 80) {
  const bool pod = to.find('/') != std::string::npos && to != "default/host";
  return {"default/web", to, protocol, port, egress, pod ? "allow" : "-"};
}
RawProbe On6(RawProbe probe) {
  probe.family = kV6;
  return probe;
}

const std::vector<RawCase> kTiers = {
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

const std::vector<RawCase> kPeers = {
    // Line 20
    {"PodPeersLeaveAddressesAndNodesAlone",
     {},
     {Policy({Rule("Deny", {kAllPods})}, {Rule("Deny", {kAllPods})})},
     {ToWeb("other/job", kDenied), ToWeb("203.0.113.9", "allow"), ToWeb("192.168.0.2", "allow"),
      FromWeb("203.0.113.9", "allow"), FromWeb("192.168.0.1", "allow"),
      FromWeb("default/host", "allow")}},
    {"HostNetworkPodsAreNoSubjects",
     {},
     {For({}, Policy({Rule("Deny", {kAllPods})}, {Rule("Deny", {kAllPods})}))},
     {{"default/host", "default/host", "tcp", 80, "-", "-"},
      {"default/host", "other/job", "tcp", 80, "-", "allow"},
      {"other/job", "default/host", "tcp", 80, "allow", "-"}}},
    {"SubjectsAndPeersGoByNamespaceAndPodLabels",
     {},
     {For(NamespacesHaving({{"project", "myprojects"}}),
          In({Rule("Deny", {PodsPeer{Having({{"team", "core"}}), Having({{"role", "db"}})}})}))},
     {{"default/db", "other/job", "tcp", 80, "allow", kDenied},
      {"default/client", "other/job", "tcp", 80, "allow", "allow"},
      {"default/db", "plain/pod", "tcp", 80, "allow", "allow"}}},
    {"ANamespaceThatIsNotListedHasItsName",
     {},
     {In({Rule("Deny", {NamespacesHaving({{"kubernetes.io/metadata.name", "plain"}})})})},
     {ToWeb("plain/pod", kDenied), ToWeb("other/job", "allow")}},
    {"NetworksMatchPodsTooAFamilyAtATime",
     {},
     {Out({Rule("Deny", {NetworksPeer{{"10.0.1.77/24", "2001:db8::/32"}}})})},
     {FromWeb("other/job", kOutDenied), FromWeb("default/db", "allow"),
      On6(FromWeb("other/job", "allow")), On6(FromWeb("2001:db8::9", kOutDenied)),
      FromWeb("203.0.113.9", "allow")}},
    {"TheWholeOfIpv4SaysNothingOfIpv6",
     {},
     {Out({Rule("Deny", {NetworksPeer{{"0.0.0.0/0"}}})})},
     {FromWeb("203.0.113.9", kOutDenied), On6(FromWeb("2001:db8::9", "allow"))}},
    {"NodesIncludeThePodsOwn",
     {},
     {Out({Rule("Deny", {kAllNodes})})},
     {FromWeb("192.168.0.1", kOutDenied), FromWeb("default/host", kOutDenied),
      FromWeb("192.168.0.2", kOutDenied), On6(FromWeb("fd01::2", kOutDenied)),
      FromWeb("192.168.0.3", "allow"), FromWeb("other/job", "allow")}},
    {"NodesGoByTheirLabels",
     {},
     {Out({Rule("Deny", {NodesPeer{Having({{"rack", "b"}})}})})},
     {FromWeb("192.168.0.2", kOutDenied), FromWeb("192.168.0.1", "allow")}},
    {"ANodeThatOnlyPodsNameHasNoLabels",
     {},
     {Out({Rule("Deny", {NodesPeer{Having("rack", "DoesNotExist")}})})},
     {FromWeb("192.168.0.9", kOutDenied), FromWeb("192.168.0.2", "allow")},
     [](PolicyInput& input) {
       input.endpoints[4].node = "node-z";
       input.endpoints[4].node_addresses = {Address("192.168.0.9")};
     }},
    {"APodReachesItselfAndItsNodeReachesIt",
     {},
     {For({}, Policy({Rule("Deny", {kAllPods, UnknownKind{"from"}})},
                     {Rule("Deny", {kAllPods, NetworksPeer{{"::/0", "0.0.0.0/0"}}})}))},
     {{"default/web", "default/web", "tcp", 80, "allow", "allow"},
      {"default/web", "default/web", "tcp", 80, "allow", "allow", kV6},
      {"192.168.0.1", "default/web", "tcp", 80, "-", "allow"},
      {"default/web", "192.168.0.1", "tcp", 80, kOutDenied, "-"}}},
    // Line 21
    {"AnUnknownPeerVoidsTheWholeAccept",
     {},
     {At("a", 1, In({Rule("Accept", {kAllPods, UnknownKind{"from[1].moons"}})})),
      In({Rule("Deny", {kAllPods})})},
     {ToWeb("other/job", kDenied)}},
    {"AnUnknownProtocolVoidsTheWholeAccept",
     {},
     {At("a", 1, In({Rule("Accept", {kAllPods}, {PortNumbers{}, UnknownKind{"protocols[1]"}})})),
      In({Rule("Deny", {kAllPods})})},
     {ToWeb("other/job", kDenied)}},
    {"AnUnknownPeerMakesDenyAndPassDenyEverything",
     {},
     {Policy({Rule("Pass", {PodsHaving({{"role", "nobody"}}), UnknownKind{"from[1].moons"}})},
             {Rule("Deny", {UnknownKind{"to[0].moons"}}, {PortNumbers{"TCP", 1, 1}})})},
     {ToWeb("other/job", kDenied), ToWeb("203.0.113.9", kDenied, "icmp", 0),
      FromWeb("203.0.113.9", kOutDenied, "udp", 53), FromWeb("default/db", kOutDenied)}},
    {"AnUnknownProtocolMakesDenyAndPassDenyEverything",
     {},
     {Policy({Rule("Deny", {PodsHaving({{"role", "nobody"}})}, {UnknownKind{"protocols[0]"}})},
             {Rule("Pass", {kAllPods}, {UnknownKind{"protocols[0]"}})})},
     {ToWeb("203.0.113.9", kDenied, "icmp", 0), FromWeb("203.0.113.9", kOutDenied, "udp", 53)}},
    // Line 22
    {"DomainNamesMatchNothingAndSpoilNothing",
     {},
     {At("a", 1,
         Out({Rule("Accept", {DomainNamesPeer{{"example.org"}}, PodsHaving({{"role", "db"}})}),
              Rule("Deny", {NetworksPeer{{"0.0.0.0/0"}}})}))},
     {FromWeb("default/db", "allow Admin: ClusterNetworkPolicy a egress[0]"),
      FromWeb("203.0.113.9", "deny Admin: ClusterNetworkPolicy a egress[1]")}},
    // Line 23
    {"PortsAreRangesOfOneProtocol",
     {},
     {In({Rule("Deny", {kAllPods}, {PortNumbers{"TCP", 80, 90}, PortNumbers{"UDP", 53, 53}})})},
     {ToWeb("other/job", "allow", "tcp", 79), ToWeb("other/job", kDenied, "tcp", 80),
      ToWeb("other/job", kDenied, "tcp", 90), ToWeb("other/job", "allow", "tcp", 91),
      ToWeb("other/job", kDenied, "udp", 53), ToWeb("other/job", "allow", "udp", 80),
      ToWeb("other/job", "allow", "icmp", 0)}},
    {"AProtocolWithoutPortIsAllOfIt",
     {},
     {In({Rule("Deny", {kAllPods}, {PortNumbers{"SCTP", 0, 65535}})})},
     {ToWeb("other/job", kDenied, "sctp", 0), ToWeb("other/job", kDenied, "sctp", 65535),
      ToWeb("other/job", "allow", "tcp", 80)}},
    {"ARuleWithoutPortsIsAllTraffic",
     {},
     {In({Rule("Deny", {kAllPods})})},
     {ToWeb("other/job", kDenied, "icmp", 0), ToWeb("other/job", kDenied, "sctp", 7)}},
    {"ANamedPortIsThatOfTheDestinationPodInItsProtocol",
     {},
     {For({}, Policy({Rule("Deny", {kAllPods}, {PortName{"http"}, PortName{"dns"}})},
                     {Rule("Deny", {kAllPods, kAllNodes, NetworksPeer{{"0.0.0.0/0"}}},
                           {PortName{"http"}})}))},
     {{"other/job", "default/web", "tcp", 8080, kOutDenied, kDenied},
      {"other/job", "default/web", "tcp", 8081, "allow", "allow"},  // a second "http" of TCP
      {"other/job", "default/web", "udp", 53, "allow", kDenied},
      {"other/job", "default/web", "tcp", 53, "allow", "allow"},
      {"other/job", "default/db", "tcp", 9090, kOutDenied, kDenied},
      {"other/job", "default/db", "udp", 9090, "allow", "allow"},
      {"other/job", "default/host", "tcp", 6000, "allow", "-"},
      {"other/job", "203.0.113.9", "tcp", 8080, "allow", "-"}}},
    {"OneNameMayStandForAPortOfEachProtocol",
     {},
     {In({Rule("Deny", {kAllPods}, {PortName{"http"}})})},
     {ToWeb("other/job", kDenied, "tcp", 8080), ToWeb("other/job", kDenied, "udp", 443),
      ToWeb("other/job", "allow", "tcp", 443)},
     [](PolicyInput& input) {
       input.endpoints[0].named_ports.push_back({"http", "UDP", 443});
     }},
    // Addresses of the cluster without a pod
    {"UnknownAddressesMatchEveryDenyAndNothingElse",
     {},
     {At("a", 1,
         Policy({Rule("Accept", {kAllPods})}, {Rule("Accept", {NetworksPeer{{"0.0.0.0/0"}}})})),
      At("b", 2, Policy({Rule("Pass", {kAllPods})}, {Rule("Pass", {NetworksPeer{{"0.0.0.0/0"}}})})),
      Policy({Rule("Deny", {PodsHaving({{"role", "nobody"}})}, {PortNumbers{"TCP", 80, 80}})},
             {Rule("Deny", {NetworksPeer{{"203.0.113.0/24"}}}, {PortName{"http"}}),
              Rule("Deny", {NetworksPeer{{"203.0.113.0/24"}}}, {PortNumbers{"TCP", 80, 80}})})},
     {ToWeb("10.0.77.77", kDenied), ToWeb("10.0.77.77", "allow", "tcp", 81),
      FromWeb("10.0.77.77", "deny Admin: ClusterNetworkPolicy p egress[1]"),
      FromWeb("10.0.77.77", "allow", "tcp", 8080),
      FromWeb("10.1.77.77", "allow Admin: ClusterNetworkPolicy a egress[0]"),
      ToWeb("10.1.77.77", "allow")}},
};

class EvaluatorClusterTest : public testing::TestWithParam<RawCase> {};
TEST_P(EvaluatorClusterTest, SaysWhatTheApiSays) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Tiers, EvaluatorClusterTest, testing::ValuesIn(kTiers), RawCaseName);
INSTANTIATE_TEST_SUITE_P(Peers, EvaluatorClusterTest, testing::ValuesIn(kPeers), RawCaseName);

TEST_P(EvaluatorClusterTest, TheOrderOfTheInputMakesNoDifference) {
  RawCase reversed = GetParam();
  std::reverse(reversed.cluster_policies.begin(), reversed.cluster_policies.end());
  std::reverse(reversed.policies.begin(), reversed.policies.end());
  Check(reversed);
}

TEST(EvaluatorClusterAudit, AuditPoliciesTakeTheirPlaceInTheOrder) {
  const RawCase c = {.policies = {kOnlyDb},
                     .cluster_policies = {Audited(At("a", 1, In({Rule("Pass", {kAllPods})}))),
                                          In({Rule("Deny", {kAllPods})})}};
  const PolicyInput input = InputOf(c);
  const RawVerdict verdict = Evaluator(input).Evaluate(FlowOf(input, ToWeb("default/db", kDenied)));
  EXPECT_EQ(ToText(verdict.ingress), kDenied);
  EXPECT_EQ(ToText(verdict.audited_ingress), kNetworkAllow);
  EXPECT_EQ(ToText(verdict.audited_egress), "allow");
  EXPECT_FALSE(verdict.allow);
}

}  // namespace
}  // namespace sluice::acl
