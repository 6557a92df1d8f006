#include "control/kube/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Object> Objects(const std::string& text) {
  absl::StatusOr<Manifest> manifest = ParseManifest("f", text);
  if (!manifest.ok()) {
    ADD_FAILURE() << manifest.status() << "\n" << text;
    return {};
  }
  EXPECT_THAT(manifest->warnings, IsEmpty()) << text;
  return manifest->objects;
}

template <typename T>
T Only(const std::string& text) {
  const std::vector<Object> objects = Objects(text);
  if (objects.size() == 1 && std::holds_alternative<T>(objects[0])) return std::get<T>(objects[0]);
  ADD_FAILURE() << objects.size() << " objects, or of another kind\n" << text;
  return {};
}

acl::IpAddress Ip(const char* text) { return acl::IpAddress::Parse(text).value(); }

acl::NetworkPolicy Policy(const std::string& spec) {
  return Only<acl::NetworkPolicy>(
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: " + spec);
}

acl::Endpoint Pod(const std::string& spec, const std::string& status) {
  return Only<acl::Endpoint>("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: " + spec +
                             "\nstatus: " + status);
}

constexpr char kNamespace[] =
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: x, labels: {a: b}}\n";

TEST(Manifest, NamespaceIsRead) {
  EXPECT_EQ(Only<acl::Namespace>(kNamespace), (acl::Namespace{"x", {{"a", "b"}}}));
}

TEST(Manifest, WholePodIsRead) {
  const acl::Endpoint pod = Only<acl::Endpoint>(R"(
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  uid: 0b3c-1
  labels: {app: web, tier: ""}
  annotations: {whatever: "1"}
spec:
  nodeName: n1
  containers:
  - name: a
    image: nginx
    ports:
    - {name: http, containerPort: 8080}
    - {containerPort: 9000}
  - name: b
    ports: [{name: dns, containerPort: 53, protocol: UDP, hostPort: 53}]
  initContainers:
  - {name: once, ports: [{name: never, containerPort: 1}]}
  - {name: again, restartPolicy: OnFailure, ports: [{name: never, containerPort: 2}]}
  - {name: beside, restartPolicy: Always, ports: [{name: mesh, containerPort: 15001}]}
status:
  phase: Running
  podIP: 10.0.0.1
  podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]
  hostIP: 192.168.0.1
  hostIPs: [{ip: 192.168.0.1}, {ip: "fd01::1"}]
)");
  const acl::Endpoint expected{
      .namespace_name = "shop",
      .name = "web",
      .uid = "0b3c-1",
      .labels = {{"app", "web"}, {"tier", ""}},
      .addresses = {Ip("10.0.0.1"), Ip("fd00::1")},
      .named_ports = {{"mesh", "", 15001}, {"http", "", 8080}, {"dns", "UDP", 53}},
      .node = "n1",
      .node_addresses = {Ip("192.168.0.1"), Ip("fd01::1")},
      .host_network = false};
  EXPECT_EQ(pod, expected);
}

TEST(Manifest, SingleAddressFieldsAreEnough) {
  const acl::Endpoint pod = Pod("{}", "{podIP: 10.0.0.1, hostIP: 192.168.0.1}");
  EXPECT_THAT(pod.addresses, ElementsAre(Ip("10.0.0.1")));
  EXPECT_THAT(pod.node_addresses, ElementsAre(Ip("192.168.0.1")));
}

TEST(Manifest, PodWithoutStatusHasNoAddress) {
  EXPECT_THAT(Only<acl::Endpoint>("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n").addresses,
              IsEmpty());
  EXPECT_THAT(Pod("{}", "{phase: Pending, podIP: ''}").addresses, IsEmpty());
}

TEST(Manifest, FinishedPodHasNoAddresses) {
  for (const char* phase : {"Succeeded", "Failed"}) {
    const acl::Endpoint pod =
        Pod("{}", std::string("{podIP: 10.0.0.1, hostIP: 192.168.0.1, phase: ") + phase + "}");
    EXPECT_THAT(pod.addresses, IsEmpty()) << phase;
  }
  EXPECT_THAT(Pod("{}", "{podIP: 10.0.0.1, phase: Running}").addresses,
              ElementsAre(Ip("10.0.0.1")));
}

TEST(Manifest, HostNetworkPodHasOnlyItsNodesAddresses) {
  const acl::Endpoint pod = Pod("{hostNetwork: true}", "{podIP: 192.168.0.1, hostIP: 192.168.0.1}");
  EXPECT_TRUE(pod.host_network);
  EXPECT_THAT(pod.addresses, IsEmpty());
  EXPECT_THAT(pod.node_addresses, ElementsAre(Ip("192.168.0.1")));
  EXPECT_THAT(Pod("{hostNetwork: yes}", "{podIP: 192.168.0.1}").node_addresses,
              ElementsAre(Ip("192.168.0.1")));
}

// SEMANTICS 11: older servers write one hostIP, whatever families the node has.
TEST(Manifest, HostNetworkPodsOwnAddressesAreItsNodesToo) {
  const acl::Endpoint pod = Pod("{hostNetwork: true}",
                                "{hostIP: 192.168.0.1, podIP: 192.168.0.1, podIPs: [{ip: "
                                "192.168.0.1}, {ip: 'fd01::1'}]}");
  EXPECT_THAT(pod.addresses, IsEmpty());
  EXPECT_THAT(pod.node_addresses, ElementsAre(Ip("192.168.0.1"), Ip("fd01::1")));
}

TEST(Manifest, WholeNetworkPolicyIsRead) {
  const acl::NetworkPolicy policy = Only<acl::NetworkPolicy>(R"(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: shop, creationTimestamp: null, resourceVersion: "7"}
spec:
  podSelector:
    matchLabels: {app: web}
    matchExpressions: [{key: tier, operator: NotIn, values: [db, cache]}]
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - podSelector: {}
    - namespaceSelector: {matchLabels: {team: a}}
      podSelector: {matchExpressions: [{key: x, operator: Exists}]}
    ports:
    - {port: 80}
    - {port: http, protocol: UDP}
    - {protocol: SCTP, port: 1000, endPort: 2000}
    - {}
  egress:
  - to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]
  - {}
status: {}
)");
  acl::NetworkPolicy expected{.namespace_name = "shop", .name = "p"};
  expected.pod_selector = {{{"app", "web"}}, {{"tier", "NotIn", {"db", "cache"}}}};
  expected.policy_types = {"Ingress", "Egress"};
  expected.ingress.resize(1);
  expected.ingress[0].peers.resize(2);
  expected.ingress[0].peers[0].pod_selector.emplace();
  expected.ingress[0].peers[1].pod_selector = {{}, {{"x", "Exists", {}}}};
  expected.ingress[0].peers[1].namespace_selector = {{{"team", "a"}}, {}};
  expected.ingress[0].ports = {{"", 80, {}}, {"UDP", "http", {}}, {"SCTP", 1000, 2000}, {}};
  expected.egress.resize(2);
  expected.egress[0].peers.resize(1);
  expected.egress[0].peers[0].ip_block = {"10.0.0.0/8", {"10.1.0.0/16"}};
  EXPECT_EQ(policy, expected);
}

TEST(Manifest, NoNamespaceIsDefault) {
  EXPECT_EQ(Policy("{}").namespace_name, "default");
  EXPECT_EQ(Pod("{}", "{}").namespace_name, "default");
}

TEST(Manifest, AllOfObjectMetaMayBeThere) {
  EXPECT_EQ(Only<acl::Namespace>(R"(
apiVersion: v1
kind: Namespace
metadata:
  name: x
  namespace: ""
  uid: u
  labels: {a: b}
  generateName: x-
  selfLink: /api/v1/namespaces/x
  resourceVersion: "7"
  generation: 1
  creationTimestamp: "2024-01-01T00:00:00Z"
  deletionTimestamp: null
  deletionGracePeriodSeconds: 30
  annotations: {c: d}
  ownerReferences: [{kind: ReplicaSet}]
  finalizers: [kubernetes]
  managedFields: [{manager: kubectl}]
  clusterName: ""
  initializers: null
)"),
            (acl::Namespace{"x", {{"a", "b"}}}));
}

// SEMANTICS 3: the same for the API, and so for its readers.
TEST(Manifest, NullEmptyAndMissingAreTheSame) {
  const acl::NetworkPolicy missing = Policy("{}");
  for (const char* spec :
       {"null", "{ingress: null}", "{ingress: []}", "{podSelector: null}", "{podSelector: {}}",
        "{podSelector: {matchLabels: null, matchExpressions: null}}", "{policyTypes: null}"}) {
    EXPECT_EQ(Policy(spec), missing) << spec;
  }
  EXPECT_EQ(Policy("{ingress: [{}]}"), Policy("{ingress: [{from: null, ports: []}]}"));
  EXPECT_EQ(Policy("{ingress: [{}]}"), Policy("{ingress: [null]}"));
  EXPECT_EQ(Policy("{ingress: [{ports: [{}]}]}"),
            Policy("{ingress: [{ports: [{port: null, protocol: null, endPort: null}]}]}"));
}

TEST(Manifest, EmptyPeerSelectorIsNotAnAbsentOne) {
  const acl::NetworkPolicyPeer peer =
      Policy("{ingress: [{from: [{podSelector: {}}]}]}").ingress[0].peers[0];
  EXPECT_TRUE(peer.pod_selector.has_value());
  EXPECT_FALSE(peer.namespace_selector.has_value());
  const acl::NetworkPolicyPeer with_null =
      Policy("{ingress: [{from: [{podSelector: {}, namespaceSelector: null}]}]}")
          .ingress[0]
          .peers[0];
  EXPECT_EQ(with_null, peer);
}

// kubectl refuses these ("cannot unmarshal bool into ... of type string"); what is meant is plain.
TEST(Manifest, UnquotedWordsAreTextWhereTextIsWanted) {
  const acl::Endpoint pod = Only<acl::Endpoint>(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: y, namespace: n, labels: {a: y, b: off, c: "
      "No}}\n");
  EXPECT_EQ(pod.name, "y");
  EXPECT_EQ(pod.namespace_name, "n");
  EXPECT_EQ(pod.labels, (acl::Labels{{"a", "y"}, {"b", "off"}, {"c", "No"}}));
  const acl::NetworkPolicy policy = Policy(
      "{podSelector: {matchLabels: {pod: y}, matchExpressions: [{key: y, operator: In, values: [y, "
      "n]}]}}");
  EXPECT_EQ(policy.pod_selector.match_labels, (acl::Labels{{"pod", "y"}}));
  EXPECT_EQ(policy.pod_selector.match_expressions[0], (acl::Requirement{"y", "In", {"y", "n"}}));
}

TEST(Manifest, WholeNumbersHoweverWrittenArePorts) {
  const acl::NetworkPolicy policy =
      Policy("{ingress: [{ports: [{port: 0x50}, {port: 8e1}, {port: 80.0}, {port: 1_000}]}]}");
  std::vector<int64_t> ports;
  for (const auto& port : policy.ingress[0].ports) ports.push_back(std::get<int64_t>(port.port));
  EXPECT_THAT(ports, ElementsAre(80, 80, 80, 1000));
}

TEST(Manifest, DocumentsAndListsKeepTheirOrder) {
  const std::string pod = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}})";
  const std::string bare = R"({"metadata":{"name":"b"}})";
  const std::vector<std::string> forms = {
      "---\n" + pod + "\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: b\n",
      R"({"apiVersion":"v1","kind":"List","items":[)" + pod +
          R"(,{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}]})",
      R"({"apiVersion":"v1","kind":"PodList","metadata":{},"items":[)" + pod + "," + bare + "]}",
      "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n",
  };
  for (const std::string& text : forms) {
    const std::vector<Object> objects = Objects(text);
    ASSERT_EQ(objects.size(), 2) << text;
    EXPECT_EQ(std::get<acl::Endpoint>(objects[0]).name, "a") << text;
    EXPECT_EQ(std::get<acl::Endpoint>(objects[1]).name, "b") << text;
  }
}

TEST(Manifest, TypedListsAreReadAndMayBeEmpty) {
  EXPECT_EQ(Only<acl::NetworkPolicy>("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\n"
                                     "items: [{metadata: {name: p}, spec: {}}]\n"),
            Policy("{}"));
  EXPECT_EQ(
      Only<acl::Namespace>("apiVersion: v1\nkind: NamespaceList\nitems:\n- metadata: {name: x}\n"),
      (acl::Namespace{"x", {}}));
  EXPECT_THAT(Objects("apiVersion: v1\nkind: List\nitems: []\n"), IsEmpty());
  EXPECT_THAT(Objects("apiVersion: v1\nkind: List\nitems: null\n"), IsEmpty());
  EXPECT_THAT(Objects(""), IsEmpty());
}

TEST(Manifest, OtherKindsAreSkippedWithAWarning) {
  const auto manifest = ParseManifest("f.yaml", R"(---
{apiVersion: v1, kind: Service, metadata: {name: web}}
---
{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: n}}]}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 1}}
---
{apiVersion: v1, kind: Secret}
---
{apiVersion: v1, kind: PodTemplate, metadata: {name: t}}
---
{apiVersion: example.org/v1, kind: AllowList, metadata: {name: l}}
)");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_THAT(manifest->objects, IsEmpty());
  EXPECT_THAT(
      manifest->warnings,
      ElementsAre(
          "f.yaml: Service default/web: skipped, only Namespace, Node, Pod and network policies "
          "are read",
          "f.yaml: ConfigMap n/c: skipped, only Namespace, Node, Pod and network policies are read",
          "f.yaml: Deployment default/d: skipped, only Namespace, Node, Pod and network policies "
          "are read",
          "f.yaml: Secret (document 4): skipped, only Namespace, Node, Pod and network policies "
          "are read",
          "f.yaml: PodTemplate default/t: skipped, only Namespace, Node, Pod and network policies "
          "are read",
          "f.yaml: AllowList default/l: skipped, only Namespace, Node, Pod and network policies "
          "are read"));
}

TEST(Manifest, WarningIsOneLineWhateverTheNames) {
  const auto manifest = ParseManifest("f\x1b.yaml",
                                      "apiVersion: v1\nkind: \"Se\\ncret\"\nmetadata: {name: "
                                      "\"a\\u2028b\", namespace: \"x\\ty\"}\n");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_THAT(manifest->warnings, ElementsAre("f .yaml: Se cret x y/a b: skipped, only Namespace, "
                                              "Node, Pod and network policies are read"));
}

TEST(Manifest, UnreadableFileIsNamed) {
  EXPECT_EQ(ReadManifest("/nope/x.yaml").status(),
            absl::NotFoundError("/nope/x.yaml: No such file or directory"));
  EXPECT_EQ(ReadManifest("/").status(), absl::UnavailableError("/: Is a directory"));
}

}  // namespace
}  // namespace sluice::control
