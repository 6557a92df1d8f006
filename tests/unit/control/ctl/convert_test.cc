#include "control/grpc/convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace sluice::control {
namespace {

acl::IpAddress Ip(const char* text) { return acl::IpAddress::Parse(text).value(); }

std::vector<Object> EveryShape() {
  const acl::Endpoint pod{.namespace_name = "x",
                          .name = "a",
                          .uid = "0b-1",
                          .labels = {{"app", "a"}, {"empty", ""}},
                          .addresses = {Ip("10.0.0.1"), Ip("fd00::1")},
                          .named_ports = {{"http", "", 80}, {"dns", "UDP", 53}},
                          .node = "n1",
                          .node_addresses = {Ip("192.168.0.1")}};
  const acl::Endpoint host_pod{
      .namespace_name = "x", .name = "h", .node_addresses = {Ip("fd01::1")}, .host_network = true};
  acl::NetworkPolicy policy{.namespace_name = "x", .name = "p"};
  policy.pod_selector = {{{"a", "b"}}, {{"c", "NotIn", {"d", "e"}}, {"f", "Exists", {}}}};
  policy.policy_types = {"Ingress", "Egress"};
  policy.ingress.resize(2);
  policy.ingress[0].peers.resize(3);
  policy.ingress[0].peers[0].pod_selector.emplace();
  policy.ingress[0].peers[1].namespace_selector = {{{"g", "h"}}, {}};
  policy.ingress[0].peers[2].ip_block = {"10.0.0.0/8", {"10.1.0.0/16"}};
  policy.ingress[0].ports = {{"", int64_t{80}, {}},
                             {"UDP", "dns", {}},
                             {"SCTP", int64_t{1}, 65535},
                             {"TCP", std::monostate(), {}}};
  policy.egress.resize(1);
  return {acl::Namespace{"x", {{"team", "y"}}}, pod, host_pod, policy,
          acl::NetworkPolicy{.namespace_name = "x", .name = "empty"}};
}

acl::ClusterPolicy Cluster(acl::ClusterPolicyKind kind, const std::string& tier) {
  acl::ClusterPolicy policy;
  policy.kind = kind;
  policy.name = "default";
  policy.tier = tier;
  return policy;
}

acl::ClusterPolicy WholeClusterPolicy() {
  acl::ClusterPolicy policy = Cluster(acl::ClusterPolicyKind::kClusterNetworkPolicy, "Baseline");
  policy.options = {.audit = true, .reject = true};
  policy.priority = 1000;
  policy.subject = {{{{"a", "b"}}, {}}, {{}, {{"c", "In", {"d"}}}}};
  policy.ingress = {{.name = "first",
                     .action = "Deny",
                     .peers = {acl::PodsPeer{{}, {{{"e", "f"}}, {}}}, acl::UnknownKind{"spec.x"}},
                     .ports = {acl::PortNumbers{"TCP", 1, 65535}, acl::PortName{"http"},
                               acl::UnknownKind{"spec.y"}}},
                    {.action = "Pass", .peers = {acl::PodsPeer{}}}};
  policy.egress = {
      {.action = "Accept",
       .peers = {acl::NodesPeer{{{{"g", "h"}}, {}}}, acl::NetworksPeer{{"10.0.0.0/8", "::/0"}},
                 acl::DomainNamesPeer{{"*.example.org"}}},
       .ports = {acl::PortNumbers{"UDP", 0, 65535}}}};
  return policy;
}

acl::SluicePolicy WholeSluicePolicy() {
  acl::SluicePolicy policy;
  policy.namespace_name = "x";
  policy.name = "s";
  policy.options = {.audit = true, .reject = true, .judges_own_node = true};
  policy.pod_selector = {{{"a", "b"}}, {}};
  policy.policy_types = {"Egress"};
  policy.networks = {"x/net1", "y/net2"};
  acl::SluiceRule& rule = policy.egress.emplace_back();
  rule.match.peers.resize(1);
  rule.match.peers[0].ip_block = {"10.0.0.0/8", {"10.1.0.0/16"}};
  rule.match.ports = {{"TCP", int64_t{443}, 444}};
  rule.name = "names";
  rule.action = "allow";
  rule.order = 0;
  rule.content.tls = acl::TlsMatch{{"example.org", "*.example.org"}};
  rule.content.http = {{"GET", "example.org", "/a/*"}, {}};
  rule.content.patterns = {{"a", acl::PatternAction::kAlert}, {"b", acl::PatternAction::kDeny}};
  rule.log = true;
  policy.ingress.emplace_back().action = "deny";
  policy.ingress[0].content.dns = acl::DnsMatch{{"example.org"}};
  return policy;
}

// What came after the first three kinds, and their later fields.
std::vector<Object> EveryNewShape() {
  acl::NetworkPolicy legacy{.namespace_name = "x", .name = "old"};
  legacy.legacy = true;
  legacy.options.audit = true;
  acl::MultiNetworkPolicy multi{.policy = legacy, .networks = {"x/net1", "y/net2"}};
  multi.policy.options = {.audit = false, .reject = true};
  const acl::Endpoint pod{
      .namespace_name = "x",
      .name = "a",
      .attachments = {{"x/net1", {Ip("10.1.0.1"), Ip("fd01::1")}}, {"y/net2", {}}}};
  return {acl::Namespace{"x", {}, true},
          acl::Node{"n1", {{"a", "b"}}, {Ip("192.0.2.1"), Ip("fd00::1")}},
          pod,
          legacy,
          multi,
          WholeSluicePolicy(),
          WholeClusterPolicy(),
          Cluster(acl::ClusterPolicyKind::kAdminNetworkPolicy, "Admin"),
          Cluster(acl::ClusterPolicyKind::kBaselineAdminNetworkPolicy, "Baseline")};
}

TEST(Convert, ObjectsComeBackAsTheyWere) {
  std::vector<Object> objects = EveryShape();
  std::ranges::move(EveryNewShape(), std::back_inserter(objects));
  for (const Object& object : objects) {
    v1::Object proto;
    ToProto(object, &proto);
    const auto back = FromProto(proto);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, object) << proto.DebugString();
  }
}

TEST(Convert, KeysNameKindAndScope) {
  const std::vector<Object> objects = EveryShape();
  std::vector<std::string> keys;
  keys.reserve(objects.size());
  for (const Object& object : objects) {
    const v1::ObjectKey key = KeyOf(object);
    keys.push_back(key.kind() + " " + key.namespace_() + "/" + key.name());
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"Namespace /x", "Endpoint x/a", "Endpoint x/h",
                                            "NetworkPolicy x/p", "NetworkPolicy x/empty"}));
}

TEST(Convert, KeysOfClusterScopedKindsHaveNoNamespace) {
  std::vector<std::string> keys;
  for (const Object& object : EveryNewShape()) {
    const v1::ObjectKey key = KeyOf(object);
    keys.push_back(key.kind() + " " + key.namespace_() + "/" + key.name());
  }
  EXPECT_EQ(keys,
            (std::vector<std::string>{
                "Namespace /x", "Node /n1", "Endpoint x/a", "NetworkPolicy x/old",
                "MultiNetworkPolicy x/old", "SluicePolicy x/s", "ClusterNetworkPolicy /default",
                "AdminNetworkPolicy /default", "BaselineAdminNetworkPolicy /default"}));
}

TEST(Convert, ASluicePolicyIsReadWithItsDefaultsAndItsNamesInNormalForm) {
  v1::Object proto;
  proto.mutable_sluice_policy()->set_namespace_("x");
  proto.mutable_sluice_policy()->set_name("s");
  v1::SluiceRule* rule = proto.mutable_sluice_policy()->add_egress();
  rule->mutable_tls()->add_server_names("Example.ORG.");
  rule->add_http()->set_host("*.Example.ORG.");
  proto.mutable_sluice_policy()->add_egress()->mutable_dns()->add_names("Example.ORG.");
  rule = proto.mutable_sluice_policy()->mutable_egress(0);
  rule->add_content()->set_pattern("a");
  rule->mutable_content(0)->set_action(static_cast<v1::PatternAction>(7));
  const auto object = FromProto(proto);
  ASSERT_TRUE(object.ok()) << object.status();
  const acl::SluiceRule& read = std::get<acl::SluicePolicy>(*object).egress[0];
  EXPECT_EQ(read.order, acl::kDefaultRuleOrder);
  EXPECT_EQ(read.content.tls->server_names, std::vector<std::string>{"example.org"});
  EXPECT_EQ(read.content.http[0].host, "*.example.org");
  EXPECT_EQ(std::get<acl::SluicePolicy>(*object).egress[1].content.dns->names,
            std::vector<std::string>{"example.org"});
  EXPECT_EQ(read.content.patterns[0].action, acl::PatternAction::kDeny) << "not known: stricter";
  rule->clear_http();
  rule->mutable_tls()->clear_server_names();
  EXPECT_EQ(FromProto(proto).status().message(),
            "SluicePolicy x/s: spec.egress[0].tls.serverNames: needs at least one entry");
}

// A newer sender's kind of peer arrives as a peer of no kind.
TEST(Convert, PeersAndPortsOfNoKindFailClosed) {
  v1::Object proto;
  ToProto(WholeClusterPolicy(), &proto);
  v1::ClusterRule* rule = proto.mutable_cluster_policy()->mutable_ingress(1);
  rule->mutable_peers(0)->Clear();
  rule->add_ports();
  const auto object = FromProto(proto);
  ASSERT_TRUE(object.ok()) << object.status();
  const auto& read = std::get<acl::ClusterPolicy>(*object).ingress[1];
  EXPECT_EQ(read.peers[0], acl::ClusterPeer(acl::UnknownKind()));
  EXPECT_EQ(read.ports[0], acl::ClusterPort(acl::UnknownKind()));
}

TEST(Convert, BadProtoOfNewKindsIsRefusedByName) {
  const auto message = [](const v1::Object& proto) {
    return std::string(FromProto(proto).status().message());
  };
  v1::Object node;
  node.mutable_node()->set_name("n");
  node.mutable_node()->add_addresses("x");
  EXPECT_EQ(message(node), "Node n: addresses[0]: \"x\" is not an IP address");
  v1::Object pod;
  pod.mutable_endpoint()->set_namespace_("x");
  pod.mutable_endpoint()->set_name("a");
  pod.mutable_endpoint()->add_attachments()->add_addresses("10.0.0");
  EXPECT_EQ(message(pod), "Pod x/a: attachments[0].addresses[0]: \"10.0.0\" is not an IP address");
  v1::Object policy;
  policy.mutable_cluster_policy()->set_kind("NetworkPolicy");
  policy.mutable_cluster_policy()->set_name("p");
  EXPECT_EQ(message(policy),
            "ClusterPolicy p: kind: \"NetworkPolicy\" is no kind of cluster-wide policy");
  policy.mutable_cluster_policy()->set_kind("AdminNetworkPolicy");
  EXPECT_EQ(message(policy), "AdminNetworkPolicy p: spec.subject: is required");
  policy.mutable_cluster_policy()->mutable_subject();
  EXPECT_EQ(message(policy), "AdminNetworkPolicy p: spec.tier: is required");
}

TEST(Convert, BadProtoIsRefusedByName) {
  v1::Object unset;
  EXPECT_EQ(FromProto(unset).status().message(),
            "Object: kind: is not set, or newer than this program");

  v1::Object pod;
  pod.mutable_endpoint()->set_namespace_("x");
  pod.mutable_endpoint()->set_name("a");
  pod.mutable_endpoint()->add_addresses("10.0.0.1");
  pod.mutable_endpoint()->add_addresses("10.0.0");
  EXPECT_EQ(FromProto(pod).status().message(),
            "Pod x/a: addresses[1]: \"10.0.0\" is not an IP address");
  pod.mutable_endpoint()->clear_addresses();
  pod.mutable_endpoint()->add_node_addresses("");
  EXPECT_EQ(FromProto(pod).status().message(),
            "Pod x/a: node_addresses[0]: \"\" is not an IP address");
  pod.mutable_endpoint()->clear_node_addresses();
  v1::NamedPort* port = pod.mutable_endpoint()->add_named_ports();
  port->set_name("http");
  port->set_port(65536 + 80);
  EXPECT_EQ(FromProto(pod).status().message(),
            "Pod x/a: named_ports[0].port: 65616 is above 65535");

  v1::Object policy;
  policy.mutable_network_policy()->set_namespace_("x");
  policy.mutable_network_policy()->set_name("p");
  policy.mutable_network_policy()->add_ingress()->add_peers();
  EXPECT_EQ(FromProto(policy).status().message(),
            "NetworkPolicy x/p: spec.ingress[0].from[0]: needs one of podSelector, "
            "namespaceSelector, ipBlock");
}

}  // namespace
}  // namespace sluice::control
