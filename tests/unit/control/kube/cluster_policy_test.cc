// ClusterNetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy out of manifests.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/kube/manifest.h"

namespace sluice::control {
namespace {

using acl::ClusterPolicy;
using acl::ClusterPolicyKind;
using testing::ElementsAre;
using testing::IsEmpty;

acl::LabelSelector Having(acl::Labels labels) { return {std::move(labels), {}}; }

Manifest Read(const std::string& text) {
  absl::StatusOr<Manifest> manifest = ParseManifest("f", text);
  EXPECT_TRUE(manifest.ok()) << manifest.status() << "\n" << text;
  return manifest.ok() ? *manifest : Manifest();
}

ClusterPolicy Only(const Manifest& manifest) {
  if (manifest.objects.size() == 1 && std::holds_alternative<ClusterPolicy>(manifest.objects[0])) {
    return std::get<ClusterPolicy>(manifest.objects[0]);
  }
  ADD_FAILURE() << manifest.objects.size() << " objects, or of another kind";
  return {};
}

std::string Cluster(const std::string& rest) {
  return "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n"
         "metadata: {name: p}\nspec:\n  tier: Admin\n  priority: 7\n"
         "  subject: {namespaces: {}}\n" +
         rest;
}

std::string Admin(const std::string& kind, const std::string& rest) {
  const std::string name = kind == "AdminNetworkPolicy" ? "p" : "default";
  return fmt::format(
      "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec:\n"
      "  subject: {{namespaces: {{}}}}\n{}",
      kind, name, rest);
}

TEST(ClusterPolicyManifest, WholeClusterNetworkPolicyIsRead) {
  const Manifest manifest = Read(R"(
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata:
  name: walls
  annotations: {sluice.io/audit: "true", sluice.io/deny-action: reject}
spec:
  tier: Baseline
  priority: 1000
  subject:
    pods: {namespaceSelector: {matchLabels: {team: a}}, podSelector: {matchLabels: {app: db}}}
  ingress:
  - name: first
    action: Accept
    from:
    - namespaces: {matchLabels: {team: b}}
    - pods: {podSelector: {matchLabels: {app: web}}}
    protocols:
    - tcp: {destinationPort: {number: 5432}}
    - udp: {destinationPort: {range: {start: 1, end: 65535}}}
    - sctp: {destinationPort: {number: 9}}
    - destinationNamedPort: http
  egress:
  - action: Pass
    to:
    - nodes: {matchLabels: {kind: edge}}
    - networks: [10.0.0.0/8, "fd00::/8"]
  - action: Deny
    to: [{namespaces: {}}]
status: {conditions: []}
)");
  EXPECT_THAT(manifest.warnings, IsEmpty());
  ClusterPolicy policy;
  policy.kind = ClusterPolicyKind::kClusterNetworkPolicy;
  policy.name = "walls";
  policy.options = {.audit = true, .reject = true};
  policy.tier = "Baseline";
  policy.priority = 1000;
  policy.subject = {Having({{"team", "a"}}), Having({{"app", "db"}})};
  policy.ingress = {
      {.name = "first",
       .action = "Accept",
       .peers = {acl::PodsPeer{Having({{"team", "b"}}), {}},
                 acl::PodsPeer{{}, Having({{"app", "web"}})}},
       .ports = {acl::PortNumbers{"TCP", 5432, 5432}, acl::PortNumbers{"UDP", 1, 65535},
                 acl::PortNumbers{"SCTP", 9, 9}, acl::PortName{"http"}}}};
  policy.egress = {{.action = "Pass",
                    .peers = {acl::NodesPeer{Having({{"kind", "edge"}})},
                              acl::NetworksPeer{{"10.0.0.0/8", "fd00::/8"}}}},
                   {.action = "Deny", .peers = {acl::PodsPeer{}}}};
  EXPECT_EQ(Only(manifest), policy);
}

TEST(ClusterPolicyManifest, V1Alpha1KindsAreReadAsTheSameShape) {
  const std::string rules = R"(
  ingress:
  - {name: a, action: Allow, from: [{pods: {namespaceSelector: {}, podSelector: {}}}],
     ports: [{portNumber: {port: 80}}, {portNumber: {protocol: UDP, port: 53}},
             {portRange: {protocol: SCTP, start: 5, end: 6}}, {portRange: {start: 7, end: 7}},
             {namedPort: http}]}
  - {action: Deny, from: [{namespaces: {}}]}
)";
  ClusterPolicy expected;
  expected.kind = ClusterPolicyKind::kAdminNetworkPolicy;
  expected.name = "p";
  expected.tier = "Admin";
  expected.priority = 50;
  expected.ingress = {{.name = "a",
                       .action = "Accept",
                       .peers = {acl::PodsPeer{}},
                       .ports = {acl::PortNumbers{"", 80, 80}, acl::PortNumbers{"UDP", 53, 53},
                                 acl::PortNumbers{"SCTP", 5, 6}, acl::PortNumbers{"", 7, 7},
                                 acl::PortName{"http"}}},
                      {.action = "Deny", .peers = {acl::PodsPeer{}}}};
  EXPECT_EQ(Only(Read(Admin("AdminNetworkPolicy", "  priority: 50" + rules))), expected);
  expected.kind = ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  expected.name = "default";
  expected.tier = "Baseline";
  expected.priority = 0;
  EXPECT_EQ(Only(Read(Admin("BaselineAdminNetworkPolicy", rules))), expected);
}

struct UnknownCase {
  std::string rule;  // of egress, or "ingress: ..." in full
  std::string field;
};

// SEMANTICS 21: what the API may grow fails closed, and says so.
TEST(ClusterPolicyManifest, PeersAndProtocolsOfUnknownKindsFailClosed) {
  const std::vector<UnknownCase> rows = {
      {"egress: [{action: Deny, to: [{}]}]", "spec.egress[0].to[0]"},
      {"egress: [{action: Deny, to: [{namespaces: null}]}]", "spec.egress[0].to[0]"},
      {"egress: [{action: Deny, to: [{services: {}}]}]", "spec.egress[0].to[0].services"},
      {"egress: [{action: Deny, to: [{namespaces: {}, services: {}}]}]",
       "spec.egress[0].to[0].services"},
      {"ingress: [{action: Deny, from: [{networks: [0.0.0.0/0]}]}]",
       "spec.ingress[0].from[0].networks"},
      {"egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{}]}]",
       "spec.egress[0].protocols[0]"},
      {"egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{icmp: {}}]}]",
       "spec.egress[0].protocols[0].icmp"},
      {"egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{tcp: {}}]}]",
       "spec.egress[0].protocols[0].tcp"},
      {"egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{tcp: {sourcePort: 1}}]}]",
       "spec.egress[0].protocols[0].tcp.sourcePort"},
      {"egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{tcp: "
       "{destinationPort: {number: 1}, sourcePort: 1}}]}]",
       "spec.egress[0].protocols[0].tcp.sourcePort"},
      {"egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{tcp: "
       "{destinationPort: {set: [1]}}}]}]",
       "spec.egress[0].protocols[0].tcp.destinationPort.set"},
      {"egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{destinationNamedPort: ''}]}]",
       "spec.egress[0].protocols[0]"},
  };
  for (const UnknownCase& row : rows) {
    const Manifest manifest = Read(Cluster("  " + row.rule));
    const ClusterPolicy policy = Only(manifest);
    const std::vector<acl::ClusterRule>& rules =
        policy.ingress.empty() ? policy.egress : policy.ingress;
    ASSERT_EQ(rules.size(), 1u) << row.rule;
    const auto* peer = std::get_if<acl::UnknownKind>(&rules[0].peers.at(0));
    const auto* port =
        rules[0].ports.empty() ? nullptr : std::get_if<acl::UnknownKind>(&rules[0].ports[0]);
    ASSERT_TRUE(peer != nullptr || port != nullptr) << row.rule;
    EXPECT_EQ(peer != nullptr ? peer->field : port->field, row.field);
    EXPECT_THAT(manifest.warnings,
                ElementsAre("f: ClusterNetworkPolicy p: " + row.field +
                            ": is of a kind that is not known here, so the rule denies everything "
                            "in its direction"));
  }
}

TEST(ClusterPolicyManifest, UnknownKindsInAcceptRulesAreToldApart) {
  EXPECT_THAT(Read(Cluster("  egress: [{action: Accept, to: [{x: {}}]}]")).warnings,
              ElementsAre("f: ClusterNetworkPolicy p: spec.egress[0].to[0].x: is of a kind that is "
                          "not known here, so the rule accepts nothing"));
  EXPECT_THAT(
      Read(Admin("BaselineAdminNetworkPolicy",
                 "  egress: [{action: Allow, to: [{domainNames: [a.b]}]}]"))
          .warnings,
      ElementsAre("f: BaselineAdminNetworkPolicy default: spec.egress[0].to[0].domainNames: is of "
                  "a kind that is not known here, so the rule accepts nothing"));
}

TEST(ClusterPolicyManifest, DomainNamesAreReadWithAWarning) {
  const Manifest manifest = Read(
      Cluster("  egress: [{action: Accept, to: [{namespaces: {}}, {domainNames: ['*.a.org']}]}]"));
  EXPECT_EQ(std::get<acl::DomainNamesPeer>(Only(manifest).egress[0].peers[1]).names,
            std::vector<std::string>{"*.a.org"});
  EXPECT_THAT(manifest.warnings,
              ElementsAre("f: ClusterNetworkPolicy p: spec.egress[0].to[1].domainNames: needs name "
                          "inspection, matches nothing until then"));
}

struct Bad {
  std::string text;
  std::string error;
};

void ExpectErrors(const std::vector<Bad>& rows) {
  for (const Bad& row : rows) {
    const auto manifest = ParseManifest("f", row.text);
    ASSERT_FALSE(manifest.ok()) << row.text;
    EXPECT_EQ(std::string(manifest.status().message()), "f: " + row.error) << row.text;
  }
}

TEST(ClusterPolicyManifest, BadClusterNetworkPolicyIsRefused) {
  const auto bad = [](const std::string& rest, const std::string& error) {
    return Bad{Cluster("  " + rest), "ClusterNetworkPolicy p: " + error};
  };
  const auto whole = [](const std::string& spec, const std::string& error) {
    return Bad{
        "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n"
        "metadata: {name: p}\nspec: " +
            spec,
        "ClusterNetworkPolicy p: " + error};
  };
  const std::string port = "egress: [{action: Deny, to: [{namespaces: {}}], protocols: ";
  ExpectErrors({
      whole("{}", "spec.subject: needs exactly one of namespaces, pods"),
      whole("{tier: Admin, subject: {namespaces: {}}}", "spec.priority: is missing"),
      whole("{priority: 1, subject: {namespaces: {}}}", "spec.tier: is required"),
      whole("{tier: Admin, priority: 1, subject: {namespaces: {}, pods: {podSelector: {}}}}",
            "spec.subject: needs exactly one of namespaces, pods"),
      whole("{tier: Admin, priority: 1, subject: {nodes: {}}}",
            "spec.subject: needs exactly one of namespaces, pods"),
      whole("{tier: Admin, priority: 1, subject: {pods: {namespaceSelector: {}}}}",
            "spec.subject.pods.podSelector: is missing"),
      whole("{tier: Admin, priority: x, subject: {namespaces: {}}}",
            "spec.priority: must be an integer, not the text \"x\""),
      bad("policyTypes: [Ingress]", "spec.policyTypes: unknown field"),
      bad("ingress: [{action: Accept, from: [{namespaces: {}}], ports: []}]",
          "spec.ingress[0].ports: unknown field"),
      bad("ingress: [{action: Allow, from: [{namespaces: {}}]}]",
          "spec.ingress[0].action: \"Allow\" is not supported: Accept, Deny or Pass"),
      bad("ingress: [{from: [{namespaces: {}}]}]", "spec.ingress[0].action: is required"),
      bad("ingress: [{action: Deny}]", "spec.ingress[0].from: needs at least one entry"),
      bad("ingress: [{action: Deny, from: [{namespaces: {}, pods: {podSelector: {}}}]}]",
          "spec.ingress[0].from[0].pods: does not go together with another of namespaces, pods"),
      bad("ingress: [{action: Deny, from: [{namespaces: {matchLabel: {}}}]}]",
          "spec.ingress[0].from[0].namespaces.matchLabel: unknown field"),
      bad("egress: [{action: Deny, to: [{domainNames: [a.b]}]}]",
          "spec.egress[0].to[0].domainNames: goes with action Accept only"),
      bad(port + "[]}]", "spec.egress[0].protocols: needs at least one entry"),
      bad(port + "[{tcp: {destinationPort: {number: 1}}, udp: {destinationPort: {number: 1}}}]}]",
          "spec.egress[0].protocols[0].udp: does not go together with another of tcp, udp, sctp, "
          "destinationNamedPort"),
      bad(port + "[{tcp: {destinationPort: {number: 0}}}]}]",
          "spec.egress[0].protocols[0].tcp.destinationPort.number: 0 is not between 1 and 65535"),
      bad(port + "[{tcp: {destinationPort: {range: {start: 0, end: 65535}}}}]}]",
          "spec.egress[0].protocols[0].tcp.destinationPort.range.start: 0 is not between 1 and "
          "65535"),
      bad(port + "[{tcp: {destinationPort: {range: {start: 5, end: 5}}}}]}]",
          "spec.egress[0].protocols[0].tcp.destinationPort.range.start: 5 is not below end 5"),
      bad(port + "[{tcp: {destinationPort: {range: {start: 5}}}}]}]",
          "spec.egress[0].protocols[0].tcp.destinationPort.range.end: is missing"),
      {"apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n"
       "metadata: {name: p, annotations: {sluice.io/audit: 'false'}}\n"
       "spec: {tier: Admin, priority: 1, subject: {namespaces: {}}}",
       "ClusterNetworkPolicy p: metadata.annotations[sluice.io/audit]: \"false\" is not supported: "
       "true"},
  });
}

TEST(ClusterPolicyManifest, BadV1Alpha1PolicyIsRefused) {
  const auto admin = [](const std::string& rest, const std::string& error) {
    return Bad{Admin("AdminNetworkPolicy", "  priority: 1\n  " + rest),
               "AdminNetworkPolicy p: " + error};
  };
  const auto baseline = [](const std::string& rest, const std::string& error) {
    return Bad{Admin("BaselineAdminNetworkPolicy", "  " + rest),
               "BaselineAdminNetworkPolicy default: " + error};
  };
  const std::string from = "from: [{namespaces: {}}]";
  ExpectErrors({
      {Admin("AdminNetworkPolicy", "  ingress: []"),
       "AdminNetworkPolicy p: spec.priority: is missing"},
      admin("tier: Admin", "spec.tier: unknown field"),
      admin("ingress: [{action: Accept, " + from + "}]",
            "spec.ingress[0].action: \"Accept\" is not supported in v1alpha1: it says Allow"),
      admin("ingress: [{action: allow, " + from + "}]",
            "spec.ingress[0].action: \"allow\" is not supported: Allow, Deny or Pass"),
      admin("ingress: [{action: Deny, from: [{pods: {podSelector: {}}}]}]",
            "spec.ingress[0].from[0].pods.namespaceSelector: is missing"),
      admin("ingress: [{action: Deny, " + from + ", ports: [{portNumber: {}}]}]",
            "spec.ingress[0].ports[0].portNumber.port: is missing"),
      admin("ingress: [{action: Deny, " + from + ", ports: [{portRange: {start: 6, end: 5}}]}]",
            "spec.ingress[0].ports[0].portRange.start: 6 is above end 5"),
      baseline("priority: 1", "spec.priority: unknown field"),
      baseline("ingress: [{action: Pass, " + from + "}]",
               "spec.ingress[0].action: \"Pass\" is not supported: Allow or Deny"),
      {"apiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\n"
       "metadata: {name: p}\nspec: {subject: {namespaces: {}}}",
       "BaselineAdminNetworkPolicy p: metadata.name: \"p\" is not \"default\", the only one of its "
       "kind"},
  });
}

}  // namespace
}  // namespace sluice::control
