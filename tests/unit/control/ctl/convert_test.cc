#include "control/grpc/convert.h"

#include <gtest/gtest.h>

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

TEST(Convert, ObjectsComeBackAsTheyWere) {
  for (const Object& object : EveryShape()) {
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
