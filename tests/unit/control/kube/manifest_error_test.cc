// What the manifest reader refuses, and its words: whole messages, because users read them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/kube/manifest.h"

namespace sluice::control {
namespace {

struct Bad {
  std::string text;
  std::string error;  // whole, but for "f.yaml: "
};

void ExpectErrors(const std::vector<Bad>& rows) {
  for (const Bad& row : rows) {
    const auto manifest = ParseManifest("f.yaml", row.text);
    ASSERT_FALSE(manifest.ok()) << row.text;
    EXPECT_EQ(manifest.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(manifest.status().message(), "f.yaml: " + row.error) << row.text;
  }
}

TEST(ManifestError, WhatIsNoObjectIsRefused) {
  ExpectErrors({
      {"a: [", "line 1: end of sequence flow not found"},
      {"{\"a\"",
       "line 1: JSON: syntax error while parsing object separator - unexpected end of "
       "input; expected ':'"},
      {"just text", "document 1: must be a map, not the text \"just text\""},
      {"metadata: {name: a}", "document 1: kind: is missing"},
      {"kind: Pod\nmetadata: {name: a}", "document 1: apiVersion: is missing"},
      {"apiVersion: v1\nkind: [Pod]", "document 1: kind: must be text, not a list"},
      {"apiVersion: v1\nkind: Pod", "Pod (document 1): metadata.name: is missing"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}",
       "Pod (document 1): metadata.name: is missing"},
      {"apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n---\n- 1\n",
       "document 2: must be a map, not a list"},
      {"apiVersion: v1\nkind: List\nitems: {}", "document 1: items: must be a list, not a map"},
      {"apiVersion: v1\nkind: List\nitems: [1]",
       "document 1: items[0]: must be a map, not the number 1"},
      {"apiVersion: v1\nkind: List\nitems: [{}]", "document 1 items[0]: kind: is missing"},
      {"apiVersion: v1\nkind: PodList\nitems: [{}]",
       "Pod (document 1 items[0]): metadata.name: is missing"},
      {"apiVersion: extensions/v1\nkind: NetworkPolicy\nmetadata: {name: p}",
       "NetworkPolicy default/p: apiVersion: extensions/v1 is not supported, only "
       "extensions/v1beta1 is"},
      {"apiVersion: k8s.cni.cncf.io/v1\nkind: MultiNetworkPolicy\nmetadata: {name: p}",
       "MultiNetworkPolicy default/p: apiVersion: k8s.cni.cncf.io/v1 is not supported, only "
       "k8s.cni.cncf.io/v1beta1 and k8s.cni.cncf.io/v1beta2 are"},
      {"apiVersion: policy.networking.k8s.io/v1alpha2\nkind: AdminNetworkPolicy\n"
       "metadata: {name: p}",
       "AdminNetworkPolicy p: apiVersion: policy.networking.k8s.io/v1alpha2 is not supported, only "
       "policy.networking.k8s.io/v1alpha1 is"},
      {"apiVersion: networking.k8s.io/v2\nkind: NetworkPolicy\nmetadata: {name: p}",
       "NetworkPolicy default/p: apiVersion: networking.k8s.io/v2 is not supported, only "
       "networking.k8s.io/v1 is"},
  });
}

// What would be lost with a warning if it were skipped: policies that we cannot read, and misspelt
// kinds that we could.
TEST(ManifestError, KindThatMustNotBeLostIsRefused) {
  const auto refused = [](const std::string& api_version, const std::string& kind) {
    return Bad{fmt::format("apiVersion: {}\nkind: {}\nmetadata: {{name: p}}", api_version, kind),
               fmt::format("{0} default/p: kind: {1} {0} is not supported", kind, api_version)};
  };
  ExpectErrors({
      refused("example.org/v1", "MultiNetworkPolicy"),
      refused("policy.networking.k8s.io/v1alpha2", "NetworkPolicy"),
      refused("projectcalico.org/v3", "NetworkPolicy"),
      refused("crd.projectcalico.org/v1", "GlobalNetworkPolicy"),
      refused("cilium.io/v2", "CiliumNetworkPolicy"),
      refused("cilium.io/v2", "CiliumClusterwideNetworkPolicy"),
      refused("v1", "NetworkPolicy"),
      refused("networking.k8s.io/v1", "networkPolicy"),
      refused("networking.k8s.io/v1", "Networkpolicy"),
      refused("v1", "pod"),
      refused("apps/v1", "Pod"),
      refused("v1", "NAMESPACE"),
      {"apiVersion: networking.k8s.io/v1\nkind: Namespace\nmetadata: {name: p}",
       "Namespace p: kind: networking.k8s.io/v1 Namespace is not supported"},
      {"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicyList\nitems: [{metadata: {name: p}}]",
       "CiliumNetworkPolicy default/p: kind: cilium.io/v2 CiliumNetworkPolicy is not supported"},
      {"apiVersion: v1\nkind: List", "document 1: items: is missing"},
      {"apiVersion: v1\nkind: List\nitem: [{}]", "document 1: items: is missing"},
      {"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList",
       "document 1: items: is missing"},
      {"apiVersion: v1\nkind: list\nitems: []",
       "list (document 1): kind: v1 list is not supported"},
      {"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicylist\nitems: []",
       "NetworkPolicylist (document 1): kind: networking.k8s.io/v1 NetworkPolicylist is not "
       "supported"},
  });
}

TEST(ManifestError, UnknownMetadataFieldIsRefused) {
  const auto refused = [](const std::string& type, const std::string& object) {
    return Bad{type + "\nmetadata: {name: p, namspace: prod}",
               object + ": metadata.namspace: unknown field"};
  };
  ExpectErrors({
      refused("apiVersion: v1\nkind: Namespace", "Namespace p"),
      refused("apiVersion: v1\nkind: Pod", "Pod default/p"),
      refused("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy", "NetworkPolicy default/p"),
      {"apiVersion: v1\nkind: Pod\nmetadata: {nmae: p}",
       "Pod (document 1): metadata.nmae: unknown field"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: p, Namespace: prod}",
       "Pod default/p: metadata.Namespace: unknown field"},
  });
}

Bad BadPod(const std::string& rest, const std::string& error) {
  return {"apiVersion: v1\nkind: Pod\n" + rest, "Pod default/p: " + error};
}

TEST(ManifestError, BadPodIsRefused) {
  ExpectErrors({
      BadPod("metadata: {name: p, labels: {a: true}}",
             "metadata.labels[a]: must be text (in quotes), not the boolean true"),
      BadPod("metadata: {name: p, labels: {a: 1.50}}",
             "metadata.labels[a]: must be text (in quotes), not the number 1.5"),
      BadPod("metadata: {name: p, labels: [a]}", "metadata.labels: must be a map, not a list"),
      BadPod("metadata: {name: p, uid: 7}",
             "metadata.uid: must be text (in quotes), not the number 7"),
      BadPod("metadata: {name: p}\nspec: x", "spec: must be a map, not the text \"x\""),
      BadPod("metadata: {name: p}\nspec: {hostNetwork: 1}",
             "spec.hostNetwork: must be true or false, not the number 1"),
      BadPod("metadata: {name: p}\nspec: {hostNetwork: 'yes'}",
             "spec.hostNetwork: must be true or false, not the text \"yes\""),
      BadPod("metadata: {name: p}\nspec: {containers: [{ports: [{name: a}]}]}",
             "spec.containers[0].ports[0].containerPort: must be between 1 and 65535"),
      BadPod("metadata: {name: p}\nspec: {containers: [{ports: [{containerPort: '80'}]}]}",
             "spec.containers[0].ports[0].containerPort: must be an integer, not the text \"80\""),
      BadPod("metadata: {name: p}\nspec: {containers: [{ports: [{containerPort: 80.5}]}]}",
             "spec.containers[0].ports[0].containerPort: must be an integer, not the number 80.5"),
      BadPod("metadata: {name: p}\nstatus: {podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.256}]}",
             "status.podIPs[1].ip: \"10.0.0.256\" is not an IP address"),
      BadPod("metadata: {name: p}\nstatus: {podIPs: 10.0.0.1}",
             "status.podIPs: must be a list, not the text \"10.0.0.1\""),
  });
}

Bad BadPolicy(const std::string& spec, const std::string& error) {
  return {
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: " + spec,
      "NetworkPolicy default/p: " + error};
}

TEST(ManifestError, BadNetworkPolicyIsRefused) {
  ExpectErrors({
      BadPolicy("{}\nsepc: {}", "sepc: unknown field"),
      BadPolicy("{podselector: {}}", "spec.podselector: unknown field"),
      BadPolicy("{podSelector: {matchLabel: {}}}", "spec.podSelector.matchLabel: unknown field"),
      BadPolicy("{podSelector: {matchLabels: {a: 1}}}",
                "spec.podSelector.matchLabels[a]: must be text (in quotes), not the number 1"),
      BadPolicy("{podSelector: {matchLabels: []}}",
                "spec.podSelector.matchLabels: must be a map, not a list"),
      BadPolicy("{podSelector: {matchExpressions: [{key: a, op: In}]}}",
                "spec.podSelector.matchExpressions[0].op: unknown field"),
      BadPolicy("{podSelector: {matchExpressions: [{key: a, operator: In, values: b}]}}",
                "spec.podSelector.matchExpressions[0].values: must be a list, not the text \"b\""),
      BadPolicy("{policyTypes: Ingress}",
                "spec.policyTypes: must be a list, not the text \"Ingress\""),
      BadPolicy("{policyTypes: [1]}",
                "spec.policyTypes[0]: must be text (in quotes), not the number 1"),
      BadPolicy("{ingress: {}}", "spec.ingress: must be a list, not a map"),
      BadPolicy("{ingress: [{to: []}]}", "spec.ingress[0].to: unknown field"),
      BadPolicy("{egress: [{}, {from: []}]}", "spec.egress[1].from: unknown field"),
      BadPolicy("{ingress: [{from: {podSelector: {}}}]}",
                "spec.ingress[0].from: must be a list, not a map"),
      BadPolicy("{ingress: [{from: [{podSelecter: {}}]}]}",
                "spec.ingress[0].from[0].podSelecter: unknown field"),
      BadPolicy("{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, excpet: []}}]}]}",
                "spec.ingress[0].from[0].ipBlock.excpet: unknown field"),
      BadPolicy(
          "{ingress: [{from: [{ipBlock: {cidr: 10}}]}]}",
          "spec.ingress[0].from[0].ipBlock.cidr: must be text (in quotes), not the number 10"),
      BadPolicy("{ingress: [{ports: [{port: [80]}]}]}",
                "spec.ingress[0].ports[0].port: must be an integer or text, not a list"),
      BadPolicy("{ingress: [{ports: [{port: 80.5}]}]}",
                "spec.ingress[0].ports[0].port: must be an integer or text, not the number 80.5"),
      BadPolicy("{ingress: [{ports: [{port: 1, endPort: x}]}]}",
                "spec.ingress[0].ports[0].endPort: must be an integer, not the text \"x\""),
      BadPolicy("{ingress: [{ports: [{number: 80}]}]}",
                "spec.ingress[0].ports[0].number: unknown field"),
      BadPolicy("{ingress: [{ports: [{port: 18446744073709551615}]}]}",
                "spec.ingress[0].ports[0].port: must be an integer or text, not the number "
                "18446744073709551615"),
      // From here on acl/validate.h speaks.
      BadPolicy("{ingress: [{ports: [{port: 90, endPort: 80}]}]}",
                "spec.ingress[0].ports[0].endPort: port range 90-80 is empty"),
      BadPolicy("{ingress: [{from: [{}]}]}",
                "spec.ingress[0].from[0]: needs one of podSelector, namespaceSelector, ipBlock"),
      BadPolicy("{ingress: [{from: [{podSelector: null}]}]}",
                "spec.ingress[0].from[0]: needs one of podSelector, namespaceSelector, ipBlock"),
  });
}

TEST(ManifestError, ErrorIsOneLineWhateverTheNames) {
  const auto manifest =
      ParseManifest("f.yaml",
                    "apiVersion: v1\nkind: \"a\\nb\"\nmetadata: {name: [\"x\\ny\"]}\n---\n"
                    "apiVersion: v1\nkind: Pod\nmetadata: {name: \"x\\ny\", labels: 1}\n");
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.status().message(),
            "f.yaml: Pod default/x y: metadata.labels: must be a map, not the number 1");
}

}  // namespace
}  // namespace sluice::control
