// What annotations say, and the kinds that live by them: MultiNetworkPolicy, extensions/v1beta1.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/kube/manifest.h"

namespace sluice::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Manifest Read(const std::string& text) {
  absl::StatusOr<Manifest> manifest = ParseManifest("f", text);
  EXPECT_TRUE(manifest.ok()) << manifest.status() << "\n" << text;
  return manifest.ok() ? *manifest : Manifest();
}

template <typename T>
T Only(const Manifest& manifest) {
  if (manifest.objects.size() == 1 && std::holds_alternative<T>(manifest.objects[0])) {
    return std::get<T>(manifest.objects[0]);
  }
  ADD_FAILURE() << manifest.objects.size() << " objects, or of another kind";
  return {};
}

std::string ErrorOf(const std::string& text) {
  const auto manifest = ParseManifest("f", text);
  return manifest.ok() ? "read" : std::string(manifest.status().message());
}

// YAML takes JSON text in single quotes as it is.
std::string Object(const std::string& type, const std::string& annotation, const std::string& value,
                   const std::string& rest = "") {
  return fmt::format("{}\nmetadata: {{name: p, namespace: x, annotations: {{{}: '{}'}}}}\n{}", type,
                     annotation, value, rest);
}

constexpr char kPolicy[] = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy";
constexpr char kMulti[] = "apiVersion: k8s.cni.cncf.io/v1beta2\nkind: MultiNetworkPolicy";
constexpr char kNamespace[] = "apiVersion: v1\nkind: Namespace";
constexpr char kPod[] = "apiVersion: v1\nkind: Pod";

TEST(Annotation, PolicyOptionsAreReadFromEveryNamespacedKind) {
  EXPECT_TRUE(
      Only<acl::NetworkPolicy>(Read(Object(kPolicy, "sluice.io/audit", "true"))).options.audit);
  EXPECT_TRUE(Only<acl::NetworkPolicy>(Read(Object(kPolicy, "sluice.io/deny-action", "reject")))
                  .options.reject);
  EXPECT_TRUE(Only<acl::MultiNetworkPolicy>(Read(Object(kMulti, "sluice.io/audit", "true")))
                  .policy.options.audit);
  EXPECT_TRUE(Only<acl::NetworkPolicy>(Read(Object(kPolicy, "sluice.io/own-node", "judge")))
                  .options.judges_own_node);
  EXPECT_EQ(Only<acl::NetworkPolicy>(Read(Object(kPolicy, "sluice.io/else", "x"))).options,
            acl::PolicyOptions());
}

TEST(Annotation, PolicyOptionsThatAreNoneAreRefused) {
  for (const char* value : {"", "false", "True", "1"}) {
    EXPECT_EQ(ErrorOf(Object(kPolicy, "sluice.io/audit", value)),
              fmt::format("f: NetworkPolicy x/p: metadata.annotations[sluice.io/audit]: \"{}\" is "
                          "not supported: true",
                          value));
  }
  EXPECT_EQ(
      ErrorOf(Object(kMulti, "sluice.io/deny-action", "drop")),
      "f: MultiNetworkPolicy x/p: metadata.annotations[sluice.io/deny-action]: \"drop\" is not "
      "supported: reject");
}

TEST(Annotation, NamespaceIsolationIsRead) {
  const auto isolates = [](const std::string& value) {
    return Only<acl::Namespace>(
               Read(Object(kNamespace, "net.beta.kubernetes.io/network-policy", value)))
        .ingress_default_deny;
  };
  EXPECT_TRUE(isolates(R"({"ingress": {"isolation": "DefaultDeny"}})"));
  EXPECT_FALSE(isolates("{}"));
  EXPECT_FALSE(isolates(R"({"ingress": {}})"));
  EXPECT_FALSE(isolates(R"({"ingress": null})"));
  EXPECT_FALSE(Only<acl::Namespace>(Read(Object(kNamespace, "a", "b"))).ingress_default_deny);
}

TEST(Annotation, NamespaceIsolationThatCannotBeReadIsRefused) {
  const auto error = [](const std::string& value) {
    const std::string text =
        ErrorOf(Object(kNamespace, "net.beta.kubernetes.io/network-policy", value));
    const std::string prefix =
        "f: Namespace p: metadata.annotations[net.beta.kubernetes.io/network-policy]";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  };
  EXPECT_EQ(error(R"({"ingress": {"isolation": "Deny"}})"),
            ".ingress.isolation: \"Deny\" is not supported: DefaultDeny");
  EXPECT_EQ(error(R"({"ingress": {"isolation": ""}})"),
            ".ingress.isolation: \"\" is not supported: DefaultDeny");
  EXPECT_EQ(error(R"({"Ingress": {"isolation": "DefaultDeny"}})"), ".Ingress: unknown field");
  EXPECT_EQ(error(R"({"ingress": {"isolate": "DefaultDeny"}})"), ".ingress.isolate: unknown field");
  EXPECT_EQ(error("[]"), ": must be a map, not a list");
  EXPECT_EQ(error(""), ": must be one JSON value");
  EXPECT_EQ(error("{} {}"), ": must be one JSON value");
  EXPECT_THAT(error("{\"ingress\": "), testing::StartsWith(": line 1: JSON: "));
}

TEST(Annotation, PolicyForNamesNetworks) {
  const auto networks = [](const std::string& value) {
    return Only<acl::MultiNetworkPolicy>(
               Read(Object(kMulti, "k8s.v1.cni.cncf.io/policy-for", value)))
        .networks;
  };
  EXPECT_THAT(networks("net1"), ElementsAre("x/net1"));
  EXPECT_THAT(networks(" net1 , y/net2,,net1,"), ElementsAre("x/net1", "y/net2"));
  const std::string error =
      "f: MultiNetworkPolicy x/p: metadata.annotations[k8s.v1.cni.cncf.io/"
      "policy-for]: ";
  EXPECT_THAT(ErrorOf(Object(kMulti, "k8s.v1.cni.cncf.io/policy-for", "a/b/c")),
              testing::StartsWith(error + "\"b/c\" must consist of"));
  EXPECT_THAT(ErrorOf(Object(kMulti, "k8s.v1.cni.cncf.io/policy-for", "Net")),
              testing::StartsWith(error + "\"Net\" must consist of"));
  EXPECT_EQ(ErrorOf(Object(kMulti, "k8s.v1.cni.cncf.io/policy-for", "/net")),
            error + "is required");
}

TEST(Annotation, MultiNetworkPolicyForNoNetworkIsWarnedOf) {
  const std::string warning =
      "f: MultiNetworkPolicy x/p: metadata.annotations[k8s.v1.cni.cncf.io/policy-for]: names no "
      "network, so the policy acts on none";
  for (const char* value : {"", " , "}) {
    const Manifest manifest = Read(Object(kMulti, "k8s.v1.cni.cncf.io/policy-for", value));
    EXPECT_THAT(Only<acl::MultiNetworkPolicy>(manifest).networks, IsEmpty());
    EXPECT_THAT(manifest.warnings, ElementsAre(warning));
  }
  EXPECT_THAT(Read(Object(kMulti, "a", "b")).warnings, ElementsAre(warning));
}

TEST(Annotation, MultiNetworkPolicyIsANetworkPolicyButForEndPortInV1Beta1) {
  const std::string spec =
      "spec:\n  podSelector: {matchLabels: {a: b}}\n  policyTypes: [Ingress]\n"
      "  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 1, endPort: 9}]}]";
  const auto multi = Only<acl::MultiNetworkPolicy>(
      Read(Object(kMulti, "k8s.v1.cni.cncf.io/policy-for", "net1", spec)));
  EXPECT_EQ(multi.policy.namespace_name, "x");
  EXPECT_EQ(multi.policy.name, "p");
  EXPECT_EQ(multi.policy.pod_selector.match_labels, (acl::Labels{{"a", "b"}}));
  EXPECT_THAT(multi.policy.policy_types, ElementsAre("Ingress"));
  ASSERT_EQ(multi.policy.ingress.size(), 1u);
  EXPECT_EQ(multi.policy.ingress[0].ports[0].end_port, 9);
  const std::string old = "apiVersion: k8s.cni.cncf.io/v1beta1\nkind: MultiNetworkPolicy";
  EXPECT_EQ(ErrorOf(Object(old, "k8s.v1.cni.cncf.io/policy-for", "net1", spec)),
            "f: MultiNetworkPolicy x/p: spec.ingress[0].ports[0].endPort: needs "
            "k8s.cni.cncf.io/v1beta2");
  EXPECT_EQ(ErrorOf(Object(old, "k8s.v1.cni.cncf.io/policy-for", "net1", "spec: {x: 1}")),
            "f: MultiNetworkPolicy x/p: spec.x: unknown field");
  EXPECT_EQ(Only<acl::MultiNetworkPolicy>(
                Read(Object(old, "k8s.v1.cni.cncf.io/policy-for", "net1", "spec: {}")))
                .policy.name,
            "p");
}

acl::Endpoint PodWith(const std::string& status, const std::string& rest = "") {
  return Only<acl::Endpoint>(Read(Object(kPod, "k8s.v1.cni.cncf.io/network-status", status, rest)));
}

acl::IpAddress Ip(const char* text) { return acl::IpAddress::Parse(text).value(); }

TEST(Annotation, NetworkStatusGivesAttachments) {
  const acl::Endpoint pod = PodWith(R"([
    {"name": "cbr0", "interface": "eth0", "ips": ["10.0.0.1"], "default": true, "dns": {}},
    {"name": "y/fast", "interface": "net1", "ips": ["192.168.1.1", "fd00::1"], "mac": "02:00:00:00:00:01"},
    {"name": "slow", "interface": "net2", "ips": ["192.168.2.1"]},
    {"name": "y/fast", "interface": "net3", "ips": ["192.168.1.2"]},
    {"name": "bare", "interface": "net4"}])");
  EXPECT_THAT(
      pod.attachments,
      ElementsAre(acl::Attachment{"y/fast", {Ip("192.168.1.1"), Ip("fd00::1"), Ip("192.168.1.2")}},
                  acl::Attachment{"x/slow", {Ip("192.168.2.1")}}, acl::Attachment{"x/bare", {}}));
  EXPECT_THAT(pod.addresses, IsEmpty());
  EXPECT_THAT(PodWith("[]").attachments, IsEmpty());
  EXPECT_THAT(PodWith("").attachments, IsEmpty());
}

TEST(Annotation, AttachmentsOfFinishedAndHostNetworkPodsAreNobodys) {
  const std::string status = R"([{"name": "fast", "ips": ["192.168.1.1"]}])";
  EXPECT_THAT(PodWith(status, "status: {phase: Succeeded}").attachments, IsEmpty());
  EXPECT_THAT(PodWith(status, "spec: {hostNetwork: true}").attachments, IsEmpty());
}

TEST(Annotation, NetworkStatusThatCannotBeReadIsRefused) {
  const auto error = [](const std::string& value) {
    const std::string text = ErrorOf(Object(kPod, "k8s.v1.cni.cncf.io/network-status", value));
    const std::string prefix =
        "f: Pod x/p: metadata.annotations[k8s.v1.cni.cncf.io/network-status]";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  };
  EXPECT_EQ(error("{}"), ": must be a JSON list");
  EXPECT_THAT(error("[{]"), testing::StartsWith(": line 1: JSON: "));
  EXPECT_EQ(error("[1]"), "[0]: must be a map, not the number 1");
  EXPECT_EQ(error(R"([{"ips": []}])"), "[0].name: is missing");
  EXPECT_EQ(error(R"([{"name": "a", "ips": ["10.0.0"]}])"),
            "[0].ips: \"10.0.0\" is not an IP address");
  EXPECT_EQ(error(R"([{"name": "a", "ips": "10.0.0.1"}])"),
            "[0].ips: must be a list, not the text \"10.0.0.1\"");
  EXPECT_EQ(error(R"([{"name": "a", "ips": ["224.0.0.1"]}])"),
            "[0].ips[0]: 224.0.0.1 is not the address of one pod");
  EXPECT_THAT(error(R"([{"name": "A"}])"), testing::StartsWith("[0].name: \"A\" must consist of"));
}

struct LegacyCase {
  std::string spec;
  bool legacy;
};

TEST(Annotation, ExtensionsPolicyIsLegacyUnlessItKnowsOneSeven) {
  const std::vector<LegacyCase> rows = {
      {"{}", true},
      {"{podSelector: {}, ingress: []}", true},
      {"{ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}", true},
      {"{policyTypes: [Ingress]}", false},
      {"{egress: []}", false},
      {"{egress: [{}]}", false},
      {"{egress: null, policyTypes: null}", true},
      {"{ingress: [{}, {from: [{podSelector: {}}, {ipBlock: {cidr: 10.0.0.0/8}}]}]}", false},
  };
  for (const LegacyCase& row : rows) {
    const std::string rest = "kind: NetworkPolicy\nmetadata: {name: p}\nspec: " + row.spec;
    EXPECT_EQ(Only<acl::NetworkPolicy>(Read("apiVersion: extensions/v1beta1\n" + rest)).legacy,
              row.legacy)
        << row.spec;
    EXPECT_FALSE(Only<acl::NetworkPolicy>(Read("apiVersion: networking.k8s.io/v1\n" + rest)).legacy)
        << row.spec;
  }
}

TEST(Annotation, NodesAreReadWithTheirAddresses) {
  const acl::Node node = Only<acl::Node>(Read(R"(
apiVersion: v1
kind: Node
metadata: {name: n1.example, labels: {zone: a}}
spec: {podCIDR: 10.0.0.0/24}
status:
  addresses:
  - {type: InternalIP, address: 192.168.0.1}
  - {type: InternalIP, address: "fd01::1"}
  - {type: ExternalIP, address: 203.0.113.1}
  - {type: ExternalIP, address: 192.168.0.1}
  - {type: Hostname, address: n1}
)"));
  EXPECT_EQ(node, (acl::Node{"n1.example",
                             {{"zone", "a"}},
                             {Ip("192.168.0.1"), Ip("fd01::1"), Ip("203.0.113.1")}}));
  EXPECT_EQ(ErrorOf("apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {addresses: [{type: "
                    "InternalIP, address: n}]}"),
            "f: Node n: status.addresses[0].address: \"n\" is not an IP address");
}

}  // namespace
}  // namespace sluice::control
