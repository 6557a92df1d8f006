// Every field of a cluster-wide policy wrong in turn, by the whole text that reaches the user.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "acl/validate.h"

namespace sluice::acl {
namespace {

const std::string kLong101(101, 'a');
constexpr char kNameless[] =
    " is not a port name: it must be 1 to 15 lower case alphanumeric characters or single inner "
    "'-', with at least one letter";
constexpr char kNoDomain[] =
    " is not a domain name: it must have two labels or more, with perhaps \"*.\" before them";

struct Wrong {
  std::function<void(ClusterPolicy&)> change;
  std::string rest;  // after "KIND NAME: "
};

void CheckAll(const ClusterPolicy& good, const std::vector<Wrong>& rows) {
  EXPECT_TRUE(Validate(good).ok()) << Validate(good);
  for (const Wrong& row : rows) {
    ClusterPolicy bad = good;
    row.change(bad);
    const absl::Status status = Validate(bad);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row.rest;
    EXPECT_EQ(std::string(status.message()),
              std::string(KindName(good.kind)) + " " + good.name + ": " + row.rest);
  }
}

// At every limit of its API.
ClusterPolicy Good(ClusterPolicyKind kind) {
  const bool old = kind != ClusterPolicyKind::kClusterNetworkPolicy;
  const bool baseline = kind == ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  const size_t rules = old ? 100 : 25;
  ClusterPolicy policy;
  policy.kind = kind;
  policy.name = baseline ? "default" : "p";
  policy.tier = baseline ? "Baseline" : "Admin";
  policy.priority = baseline ? 0 : 1000;
  policy.subject = {{{{"a", "b"}}, {}}, {}};
  ClusterRule rule{.name = std::string(100, 'a'), .action = "Deny"};
  rule.peers.assign(rules, PodsPeer{});
  rule.ports.assign(rules, PortNumbers{"UDP", 1, 65535});
  policy.ingress.assign(rules, rule);
  ClusterRule to{.name = "", .action = "Accept"};
  std::vector<std::string> cidrs;
  for (int i = 0; i < 25; ++i) cidrs.push_back("10." + std::to_string(i) + ".0.0/16");
  to.peers = {PodsPeer{}, NodesPeer{}, NetworksPeer{cidrs}, UnknownKind{"x"}};
  to.ports = {PortNumbers{"", 0, 65535}, UnknownKind{"y"}};
  policy.egress.assign(rules, to);
  return policy;
}

Wrong Port(ClusterPort port, const std::string& rest) {
  return {[port](ClusterPolicy& p) { p.ingress[1].ports[2] = port; }, "spec.ingress[1]." + rest};
}

Wrong To(ClusterPeer peer, const std::string& rest) {
  return {[peer](ClusterPolicy& p) { p.egress[0].peers[1] = peer; }, "spec.egress[0].to" + rest};
}

TEST(ValidateClusterPolicy, PlaceAndSubjectAreRefusedWithTheReason) {
  const LabelSelector bad{{}, {{"k", "Is", {}}}};
  const std::string op = "operator: \"Is\" is not supported: In, NotIn, Exists or DoesNotExist";
  CheckAll(
      Good(ClusterPolicyKind::kClusterNetworkPolicy),
      {
          {[](auto& p) { p.tier = ""; }, "spec.tier: is required"},
          {[](auto& p) { p.tier = "NetworkPolicy"; },
           "spec.tier: \"NetworkPolicy\" is not supported: Admin or Baseline"},
          {[](auto& p) { p.options.judges_own_node = true; },
           "metadata.annotations[sluice.io/own-node]: is for policies that isolate pods"},
          {[](auto& p) { p.priority = -1; }, "spec.priority: -1 is not between 0 and 1000"},
          {[](auto& p) { p.priority = 1001; }, "spec.priority: 1001 is not between 0 and 1000"},
          {[&](auto& p) { p.subject.namespaces = bad; },
           "spec.subject.namespaces.matchExpressions[0]." + op},
          {[&](auto& p) { p.subject.pods = bad; },
           "spec.subject.pods.podSelector.matchExpressions[0]." + op},
          {[&](auto& p) {
             p.subject = {bad, {{{"a", "b"}}, {}}};
           },
           "spec.subject.pods.namespaceSelector.matchExpressions[0]." + op},
      });
  ClusterPolicy nameless = Good(ClusterPolicyKind::kClusterNetworkPolicy);
  nameless.name = "";
  EXPECT_EQ(std::string(Validate(nameless).message()),
            "ClusterNetworkPolicy \"\": metadata.name: is required");
}

TEST(ValidateClusterPolicy, RulesAreRefusedWithTheReason) {
  CheckAll(Good(ClusterPolicyKind::kClusterNetworkPolicy),
           {
               {[](auto& p) { p.ingress.push_back(p.ingress[0]); },
                "spec.ingress: has 26 entries, more than 25"},
               {[](auto& p) { p.egress.push_back(p.egress[0]); },
                "spec.egress: has 26 entries, more than 25"},
               {[](auto& p) { p.ingress[3].name = kLong101; },
                "spec.ingress[3].name: \"" + std::string(64, 'a') +
                    "\"... is longer than 100 characters"},
               {[](auto& p) { p.ingress[3].action = ""; }, "spec.ingress[3].action: is required"},
               {[](auto& p) { p.ingress[3].action = "Allow"; },
                "spec.ingress[3].action: \"Allow\" is not supported: Accept, Deny or Pass"},
               {[](auto& p) { p.ingress[3].peers.clear(); },
                "spec.ingress[3].from: needs at least one entry"},
               {[](auto& p) { p.ingress[3].peers.emplace_back(PodsPeer{}); },
                "spec.ingress[3].from: has 26 entries, more than 25"},
               {[](auto& p) { p.ingress[3].ports.emplace_back(PortNumbers{}); },
                "spec.ingress[3].protocols: has 26 entries, more than 25"},
           });
  ClusterPolicy wide = Good(ClusterPolicyKind::kClusterNetworkPolicy);
  for (int i = 0; i < 100; ++i) wide.ingress[0].name.replace(2 * i, 1, "\xc3\xa9");
  EXPECT_TRUE(Validate(wide).ok()) << "100 characters of two bytes each";
}

TEST(ValidateClusterPolicy, PortsAreRefusedWithTheReason) {
  CheckAll(
      Good(ClusterPolicyKind::kClusterNetworkPolicy),
      {
          Port(PortNumbers{"ICMP", 1, 1},
               "protocols[2]: \"ICMP\" is not supported: TCP, UDP or SCTP"),
          Port(PortNumbers{"", 0, 0},
               "protocols[2].tcp.destinationPort.number: 0 is not between 1 and 65535"),
          Port(PortNumbers{"SCTP", 65536, 65536},
               "protocols[2].sctp.destinationPort.number: 65536 is not between 1 and 65535"),
          Port(PortNumbers{"UDP", 1, 65536},
               "protocols[2].udp.destinationPort.range: 65536 is not between 1 and 65535"),
          Port(PortNumbers{"UDP", 0, 5},
               "protocols[2].udp.destinationPort.range: 0 is not between 1 and 65535"),
          Port(PortNumbers{"UDP", 6, 5},
               "protocols[2].udp.destinationPort.range: port range 6-5 is empty"),
          Port(PortName{""}, std::string("protocols[2].destinationNamedPort: \"\"") + kNameless),
          Port(PortName{"HTTP"},
               std::string("protocols[2].destinationNamedPort: \"HTTP\"") + kNameless),
      });
}

TEST(ValidateClusterPolicy, PeersAreRefusedWithTheReason) {
  const LabelSelector bad{{{"a", "-"}}, {}};
  const std::string value =
      ".matchLabels[a]: \"-\" is not a label value: it must be empty or at most 63 alphanumeric "
      "characters, '-', '_' or '.', and must start and end with an alphanumeric one";
  const auto from = [](ClusterPeer peer, const std::string& rest) {
    return Wrong{[peer](ClusterPolicy& p) { p.ingress[0].peers[1] = peer; },
                 "spec.ingress[0].from[1]" + rest};
  };
  CheckAll(
      Good(ClusterPolicyKind::kClusterNetworkPolicy),
      {
          from(PodsPeer{bad, {}}, ".namespaces" + value),
          from(PodsPeer{{}, bad}, ".pods.podSelector" + value),
          from(NodesPeer{}, ".nodes: is allowed in egress rules only"),
          from(NetworksPeer{{"10.0.0.0/8"}}, ".networks: is allowed in egress rules only"),
          from(DomainNamesPeer{{"a.b"}}, ".domainNames: is allowed in egress rules only"),
          To(NodesPeer{bad}, "[1].nodes" + value),
          To(NetworksPeer{}, "[1].networks: needs at least one entry"),
          To(NetworksPeer{std::vector<std::string>(26, "10.0.0.0/8")},
             "[1].networks: has 26 entries, more than 25"),
          To(NetworksPeer{{"10.0.0.0/8", "10.0.0.0"}},
             "[1].networks[1]: \"10.0.0.0\" is not a CIDR: no prefix length"),
          To(NetworksPeer{{"::/0", "10.0.0.0/8", "::/0"}},
             "[1].networks[2]: \"::/0\" is listed twice"),
          To(DomainNamesPeer{}, "[1].domainNames: needs at least one entry"),
          To(DomainNamesPeer{std::vector<std::string>(26, "a.b")},
             "[1].domainNames: has 26 entries, more than 25"),
          To(DomainNamesPeer{{"a.b", "a.b"}}, "[1].domainNames[1]: \"a.b\" is listed twice"),
          {[](auto& p) { p.egress[0].peers.clear(); },
           "spec.egress[0].to: needs at least one entry"},
          {[](auto& p) { p.egress[2].ports[0] = PortName{"http"}; },
           "spec.egress[2].to[1]: nodes, networks and domainNames do not go together with a named "
           "port"},
          {[](auto& p) {
             p.egress[0].action = "Deny";
             p.egress[0].peers = {DomainNamesPeer{{"a.b"}}};
           },
           "spec.egress[0].to[0].domainNames: goes with action Accept only"},
          {[](auto& p) {
             p.egress[0].action = "Pass";
             p.egress[0].peers = {DomainNamesPeer{{"a.b"}}};
           },
           "spec.egress[0].to[0].domainNames: goes with action Accept only"},
      });
}

TEST(ValidateClusterPolicy, DomainNamesHaveTheApisSyntax) {
  ClusterPolicy policy = Good(ClusterPolicyKind::kClusterNetworkPolicy);
  const auto message = [&](const std::string& name) {
    policy.egress[0].peers = {DomainNamesPeer{{name}}};
    return std::string(Validate(policy).message());
  };
  for (const char* good : {"a.b", "*.a.b", "example.org.", "A-1_x.example.org", "1.2", "_x.y"}) {
    EXPECT_EQ(message(good), "") << good;
  }
  for (const char* bad : {"", "org", "*", "*.org", "*.*.a.b", "a.*.b", "x*.a.b", "a..b", ".a.b",
                          "-a.b", "a-.b", "a b.c", "a.b..", "a/b.c", "\xc3\xa9.org"}) {
    EXPECT_NE(message(bad).find(kNoDomain), std::string::npos) << bad;
  }
}

TEST(ValidateClusterPolicy, V1Alpha1KindsSpeakTheirOwnWords) {
  CheckAll(
      Good(ClusterPolicyKind::kAdminNetworkPolicy),
      {
          {[](auto& p) { p.tier = "Baseline"; },
           "spec.tier: \"Baseline\" is not the tier of this kind"},
          {[](auto& p) { p.priority = 1001; }, "spec.priority: 1001 is not between 0 and 1000"},
          {[](auto& p) { p.ingress.push_back(p.ingress[0]); },
           "spec.ingress: has 101 entries, more than 100"},
          {[](auto& p) { p.ingress[0].peers.emplace_back(PodsPeer{}); },
           "spec.ingress[0].from: has 101 entries, more than 100"},
          {[](auto& p) { p.ingress[0].ports.emplace_back(PortNumbers{}); },
           "spec.ingress[0].ports: has 101 entries, more than 100"},
          {[](auto& p) { p.ingress[0].action = "allow"; },
           "spec.ingress[0].action: \"allow\" is not supported: Allow, Deny or Pass"},
          Port(PortNumbers{"TCP", 0, 0}, "ports[2].portNumber.port: 0 is not between 1 and 65535"),
          Port(PortNumbers{"TCP", 9, 5}, "ports[2].portRange: port range 9-5 is empty"),
          Port(PortName{"HTTP"}, std::string("ports[2].namedPort: \"HTTP\"") + kNameless),
          {[](auto& p) {
             p.egress[0].action = "Deny";
             p.egress[0].peers = {DomainNamesPeer{{"a.b"}}};
           },
           "spec.egress[0].to[0].domainNames: goes with action Allow only"},
      });
  CheckAll(
      Good(ClusterPolicyKind::kBaselineAdminNetworkPolicy),
      {
          {[](auto& p) { p.tier = "Admin"; }, "spec.tier: \"Admin\" is not the tier of this kind"},
          {[](auto& p) { p.ingress[0].action = "Pass"; },
           "spec.ingress[0].action: \"Pass\" is not supported: Allow or Deny"},
          To(DomainNamesPeer{{"a.b"}}, "[1].domainNames: is not in this kind of policy"),
      });
  ClusterPolicy second = Good(ClusterPolicyKind::kBaselineAdminNetworkPolicy);
  second.name = "other";
  EXPECT_EQ(
      std::string(Validate(second).message()),
      "BaselineAdminNetworkPolicy other: metadata.name: \"other\" is not \"default\", the only "
      "one of its kind");
}

TEST(ValidateNode, BadOnesAreRefusedWithTheReason) {
  const auto message = [](Node node) { return std::string(Validate(node).message()); };
  const IpAddress address = IpAddress::Parse("192.0.2.1").value();
  EXPECT_EQ(message({"n1.example", {{"a", "b"}}, {address}}), "");
  EXPECT_EQ(message({"", {}, {}}), "Node \"\": metadata.name: is required");
  EXPECT_EQ(message({"n", {{"a", "-"}}, {}}).substr(0, 40),
            "Node n: metadata.labels[a]: \"-\" is not a");
  EXPECT_EQ(message({"n", {}, {address, address}}),
            "Node n: status.addresses[1]: 192.0.2.1 is listed twice");
  EXPECT_EQ(message({"n", {}, {IpAddress::Parse("::").value()}}),
            "Node n: status.addresses[0]: :: is not the address of one node");
}

TEST(ValidateMultiNetworkPolicy, IsAPolicyWithNetworks) {
  MultiNetworkPolicy multi;
  multi.policy.namespace_name = "x";
  multi.policy.name = "p";
  multi.networks = {"x/net1", "y/net.2"};
  EXPECT_TRUE(Validate(multi).ok()) << Validate(multi);
  const auto message = [&](const std::string& network) {
    multi.networks = {"x/net1", network};
    return std::string(Validate(multi).message());
  };
  const std::string field =
      "MultiNetworkPolicy x/p: metadata.annotations[k8s.v1.cni.cncf.io/policy-for]: ";
  EXPECT_EQ(message("net1"), field + "\"net1\" is not NAMESPACE/NAME");
  EXPECT_EQ(message("x/"), field + "is required");
  EXPECT_EQ(message("a.b/c").substr(0, field.size() + 18), field + "\"a.b\" must consist");
  multi.networks.clear();
  multi.policy.policy_types = {"Both"};
  EXPECT_EQ(std::string(Validate(multi).message()),
            "MultiNetworkPolicy x/p: spec.policyTypes[0]: \"Both\" is not supported: Ingress or "
            "Egress");
}

}  // namespace
}  // namespace sluice::acl
