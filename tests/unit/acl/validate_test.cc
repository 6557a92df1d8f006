// Every rule of validation, by the whole text that reaches the user.
#include "acl/validate.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/acl/cluster.h"

namespace sluice::acl {
namespace {

const std::string kLong64(64, 'a');
constexpr char kKeyRule[] =
    " is not a label key: its name must be 1 to 63 alphanumeric characters, '-', '_' or '.', and "
    "must start and end with an alphanumeric one";
constexpr char kValueRule[] =
    " is not a label value: it must be empty or at most 63 alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric one";
constexpr char kPortNameRule[] =
    " is not a port name: it must be 1 to 15 lower case alphanumeric characters or single inner "
    "'-', with at least one letter";
constexpr char kDnsLabelRule[] =
    " must consist of lower case alphanumeric characters or '-', and must start and end with an "
    "alphanumeric character";
constexpr char kSubdomainRule[] =
    " must consist of lower case alphanumeric characters, '-' or '.', and must start and end with "
    "an alphanumeric character";

template <typename T>
struct Mutation {
  std::function<void(T&)> change;
  std::string message;
};

template <typename T>
void CheckAll(const T& good, const std::vector<Mutation<T>>& mutations) {
  EXPECT_TRUE(Validate(good).ok()) << Validate(good);
  for (const Mutation<T>& mutation : mutations) {
    T bad = good;
    mutation.change(bad);
    const absl::Status status = Validate(bad);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << mutation.message;
    EXPECT_EQ(std::string(status.message()), mutation.message);
  }
}

NetworkPolicy GoodPolicy() {
  return {.namespace_name = "default",
          .name = "web.v1",
          .pod_selector = {.match_labels = {{"app.kubernetes.io/name", "Web_1.x"}, {"empty", ""}},
                           .match_expressions = {{"tier", "In", {"a", ""}}, {"x", "Exists", {}}}},
          .policy_types = {"Ingress", "Egress"},
          .ingress = {{.peers = {PodsOf({}, {}), Block("10.0.0.0/8", {"10.1.0.0/16"})},
                       .ports = {Port("TCP", 80, 90), NamedPortOf("UDP", "dns-1"), {}}}},
          .egress = {{.peers = {Block("::/0", {"fd00::/8"})}, .ports = {Port("SCTP", 65535)}}}};
}

Mutation<NetworkPolicy> Ports(NetworkPolicyPort port, const std::string& rest) {
  return {[port](NetworkPolicy& p) { p.ingress[0].ports[1] = port; },
          "NetworkPolicy default/web.v1: spec.ingress[0].ports[1]." + rest};
}

TEST(ValidatePolicy, PortsAreRefusedWithTheReason) {
  NetworkPolicyPort nameless_end;
  nameless_end.end_port = 80;
  NetworkPolicyPort named_end = NamedPortOf("TCP", "http");
  named_end.end_port = 80;
  CheckAll<NetworkPolicy>(
      GoodPolicy(),
      {
          Ports(Port("tcp", 80), "protocol: \"tcp\" is not supported: TCP, UDP or SCTP"),
          Ports(Port("ICMP"), "protocol: \"ICMP\" is not supported: TCP, UDP or SCTP"),
          Ports(Port("TCP", 0), "port: 0 is not between 1 and 65535"),
          Ports(Port("TCP", -1), "port: -1 is not between 1 and 65535"),
          Ports(Port("TCP", 65536), "port: 65536 is not between 1 and 65535"),
          Ports(Port("TCP", 4294967376), "port: 4294967376 is not between 1 and 65535"),
          Ports(Port("TCP", 90, 80), "endPort: port range 90-80 is empty"),
          Ports(Port("TCP", 90, 65536), "endPort: 65536 is not between 1 and 65535"),
          Ports(nameless_end, "endPort: is allowed only with a numeric port"),
          Ports(named_end, "endPort: is allowed only with a numeric port"),
          Ports(NamedPortOf("TCP", ""), std::string("port: \"\"") + kPortNameRule),
          Ports(NamedPortOf("TCP", "HTTP"), std::string("port: \"HTTP\"") + kPortNameRule),
          Ports(NamedPortOf("TCP", "80"), std::string("port: \"80\"") + kPortNameRule),
          Ports(NamedPortOf("TCP", "a--b"), std::string("port: \"a--b\"") + kPortNameRule),
          Ports(NamedPortOf("TCP", "-a"), std::string("port: \"-a\"") + kPortNameRule),
          Ports(NamedPortOf("TCP", "sixteen-letters-"),
                std::string("port: \"sixteen-letters-\"") + kPortNameRule),
      });
}

Mutation<NetworkPolicy> Peer(NetworkPolicyPeer peer, const std::string& rest) {
  return {[peer](NetworkPolicy& p) { p.egress[0].peers.push_back(peer); },
          "NetworkPolicy default/web.v1: spec.egress[0].to[1]" + rest};
}

TEST(ValidatePolicy, PeersAreRefusedWithTheReason) {
  NetworkPolicyPeer mixed = Block("10.0.0.0/8");
  mixed.pod_selector = LabelSelector{};
  NetworkPolicyPeer mixed_namespace = Block("10.0.0.0/8");
  mixed_namespace.namespace_selector = LabelSelector{};
  const std::string with = ": ipBlock does not go together with podSelector or namespaceSelector";
  CheckAll<NetworkPolicy>(
      GoodPolicy(),
      {
          Peer({}, ": needs one of podSelector, namespaceSelector, ipBlock"),
          Peer(mixed, with),
          Peer(mixed_namespace, with),
          Peer(Block(""), ".ipBlock.cidr: is required"),
          Peer(Block("10.0.0.0"), ".ipBlock.cidr: \"10.0.0.0\" is not a CIDR: no prefix length"),
          Peer(Block("10.0.0.0/8", {"10.0.0.0/33"}),
               ".ipBlock.except[0]: \"10.0.0.0/33\" is not a CIDR: the prefix length is not a "
               "number from 0 to 32"),
          Peer(Block("10.0.0.0/8", {"10.1.0.0/16", "11.0.0.0/16"}),
               ".ipBlock.except[1]: \"11.0.0.0/16\" is not a strict subset of cidr \"10.0.0.0/8\""),
          Peer(Block("10.0.0.0/8", {"10.0.0.0/8"}),
               ".ipBlock.except[0]: \"10.0.0.0/8\" is not a strict subset of cidr \"10.0.0.0/8\""),
          Peer(Block("0.0.0.0/0", {"fd00::/8"}),
               ".ipBlock.except[0]: \"fd00::/8\" is not a strict subset of cidr \"0.0.0.0/0\""),
          Peer(Namespaces(Having("a b", "Exists")),
               ".namespaceSelector.matchExpressions[0].key: \"a b\"" + std::string(kKeyRule)),
          Peer(PodsOf({}, Having({{"a", "-"}})),
               ".podSelector.matchLabels[a]: \"-\"" + std::string(kValueRule)),
      });
}

Mutation<NetworkPolicy> Subject(LabelSelector selector, const std::string& rest) {
  return {[selector](NetworkPolicy& p) { p.pod_selector = selector; },
          "NetworkPolicy default/web.v1: spec.podSelector." + rest};
}

TEST(ValidatePolicy, SelectorsAreRefusedWithTheReason) {
  CheckAll<NetworkPolicy>(
      GoodPolicy(),
      {
          Subject(Having({{"", "x"}}), "matchLabels: a label key is required"),
          Subject(Having({{"/x", "x"}}),
                  "matchLabels: \"/x\" is not a label key: its prefix must be a DNS subdomain"),
          Subject(Having({{"A.b/x", "x"}}),
                  "matchLabels: \"A.b/x\" is not a label key: its prefix must be a DNS subdomain"),
          Subject(Having({{"a/b/c", "x"}}), std::string("matchLabels: \"a/b/c\"") + kKeyRule),
          Subject(Having({{"a/", "x"}}), std::string("matchLabels: \"a/\"") + kKeyRule),
          Subject(Having({{kLong64, "x"}}), "matchLabels: \"" + kLong64 + "\"" + kKeyRule),
          Subject(Having({{"a", kLong64}}), "matchLabels[a]: \"" + kLong64 + "\"" + kValueRule),
          Subject(Having({{"a", "x y"}}), std::string("matchLabels[a]: \"x y\"") + kValueRule),
          Subject(Having("a", "in", {"x"}),
                  "matchExpressions[0].operator: \"in\" is not supported: In, NotIn, Exists or "
                  "DoesNotExist"),
          Subject(Having("a", "In"), "matchExpressions[0].values: is required with operator In"),
          Subject(Having("a", "NotIn"),
                  "matchExpressions[0].values: is required with operator NotIn"),
          Subject(Having("a", "Exists", {"x"}),
                  "matchExpressions[0].values: is not allowed with operator Exists"),
          Subject(Having("a", "DoesNotExist", {"x"}),
                  "matchExpressions[0].values: is not allowed with operator DoesNotExist"),
          Subject(Having("a", "In", {"x", "_"}),
                  std::string("matchExpressions[0].values[1]: \"_\"") + kValueRule),
      });
}

TEST(ValidatePolicy, NamesAndTypesAreRefusedWithTheReason) {
  CheckAll<NetworkPolicy>(
      GoodPolicy(),
      {
          {[](NetworkPolicy& p) { p.name = ""; },
           "NetworkPolicy default/\"\": metadata.name: is required"},
          {[](NetworkPolicy& p) { p.name = "Web"; },
           std::string("NetworkPolicy default/\"Web\": metadata.name: \"Web\"") + kSubdomainRule},
          {[](NetworkPolicy& p) { p.name = std::string(254, 'a'); },
           "NetworkPolicy default/\"" + kLong64 + "\"...: metadata.name: \"" + kLong64 +
               "\"... is longer than 253 characters"},
          {[](NetworkPolicy& p) { p.namespace_name = ""; },
           "NetworkPolicy \"\"/web.v1: metadata.namespace: is required"},
          {[](NetworkPolicy& p) { p.namespace_name = "a.b"; },
           std::string("NetworkPolicy a.b/web.v1: metadata.namespace: \"a.b\"") + kDnsLabelRule},
          {[](NetworkPolicy& p) { p.namespace_name = "a\nb"; },
           std::string("NetworkPolicy \"a\\nb\"/web.v1: metadata.namespace: \"a\\nb\"") +
               kDnsLabelRule},
          {[](NetworkPolicy& p) {
             p.policy_types = {"Ingress", "egress"};
           },
           "NetworkPolicy default/web.v1: spec.policyTypes[1]: \"egress\" is not supported: "
           "Ingress or Egress"},
          {[](NetworkPolicy& p) {
             p.policy_types = {"Ingress", "Egress", "Ingress"};
           },
           "NetworkPolicy default/web.v1: spec.policyTypes: has more than two entries"},
      });
}

TEST(ValidateNamespace, BadOnesAreRefusedWithTheReason) {
  CheckAll<Namespace>(
      {.name = "default", .labels = {{"a", "b"}}},
      {
          {[](Namespace& n) { n.name = ""; }, "Namespace \"\": metadata.name: is required"},
          {[](Namespace& n) { n.name = "-a"; },
           std::string("Namespace \"-a\": metadata.name: \"-a\"") + kDnsLabelRule},
          {[](Namespace& n) { n.name = kLong64; }, "Namespace " + kLong64 + ": metadata.name: \"" +
                                                       kLong64 + "\" is longer than 63 characters"},
          {[](Namespace& n) {
             n.labels = {{"a", "b c"}};
           },
           std::string("Namespace default: metadata.labels[a]: \"b c\"") + kValueRule},
      });
}

TEST(ValidateEndpoint, BadOnesAreRefusedWithTheReason) {
  const auto addresses = [](std::vector<std::string> texts, const std::string& rest) {
    return Mutation<Endpoint>{[texts](Endpoint& e) {
                                e.addresses.clear();
                                for (const auto& text : texts) {
                                  e.addresses.push_back(Address(text));
                                }
                              },
                              "Pod default/web: status.podIPs" + rest};
  };
  const auto port = [](NamedPort named, const std::string& rest) {
    return Mutation<Endpoint>{[named](Endpoint& e) { e.named_ports.push_back(named); },
                              "Pod default/web: ports[2]." + rest};
  };
  CheckAll<Endpoint>(
      {.namespace_name = "default",
       .name = "web",
       .labels = {{"a", "b"}},
       .addresses = {Address("10.0.0.1"), Address("fd00::1")},
       .named_ports = {{"http", "TCP", 80}, {"http", "TCP", 81}}},
      {
          addresses({"10.0.0.1", "0.0.0.0"}, "[1]: 0.0.0.0 is not the address of one pod"),
          addresses({"::"}, "[0]: :: is not the address of one pod"),
          addresses({"224.0.0.1"}, "[0]: 224.0.0.1 is not the address of one pod"),
          addresses({"ff02::1"}, "[0]: ff02::1 is not the address of one pod"),
          addresses({"10.0.0.1", "10.0.0.2", "10.0.0.1"}, "[2]: 10.0.0.1 is listed twice"),
          port({"Http", "TCP", 80}, std::string("name: \"Http\"") + kPortNameRule),
          port({"http", "QUIC", 80}, "protocol: \"QUIC\" is not supported: TCP, UDP or SCTP"),
          port({"http", "TCP", 0}, "containerPort: 0 is not between 1 and 65535"),
          {[](Endpoint& e) {
             e.labels = {{"a", "b c"}};
           },
           std::string("Pod default/web: metadata.labels[a]: \"b c\"") + kValueRule},
          {[](Endpoint& e) { e.name = "we/b"; },
           std::string("Pod default/\"we/b\": metadata.name: \"we/b\"") + kSubdomainRule},
      });
}

}  // namespace
}  // namespace sluice::acl
