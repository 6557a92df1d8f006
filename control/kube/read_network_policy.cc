#include <utility>
#include <vector>

#include "control/kube/readers.h"

namespace sluice::control {
namespace {

acl::LabelSelector ReadSelector(ObjectReader selector) {
  acl::LabelSelector result{.match_labels = selector.TextMap("matchLabels")};
  for (ObjectReader& requirement : selector.Objects("matchExpressions")) {
    result.match_expressions.push_back({.key = requirement.Text("key"),
                                        .op = requirement.Text("operator"),
                                        .values = requirement.Texts("values")});
    requirement.RefuseOtherFields();
  }
  selector.RefuseOtherFields();
  return result;
}

acl::IpBlock ReadIpBlock(ObjectReader block) {
  acl::IpBlock result{.cidr = block.Text("cidr"), .except = block.Texts("except")};
  block.RefuseOtherFields();
  return result;
}

// An empty selector selects everything, an absent one is no condition: presence counts here.
acl::NetworkPolicyPeer ReadPeer(ObjectReader& peer) {
  acl::NetworkPolicyPeer result;
  if (peer.Has("podSelector")) result.pod_selector = ReadSelector(peer.Object("podSelector"));
  if (peer.Has("namespaceSelector")) {
    result.namespace_selector = ReadSelector(peer.Object("namespaceSelector"));
  }
  if (peer.Has("ipBlock")) result.ip_block = ReadIpBlock(peer.Object("ipBlock"));
  peer.RefuseOtherFields();
  return result;
}

acl::NetworkPolicyPort ReadPort(ObjectReader& port) {
  acl::NetworkPolicyPort result{.protocol = port.Text("protocol"),
                                .port = port.IntegerOrText("port"),
                                .end_port = port.Integer("endPort")};
  port.RefuseOtherFields();
  return result;
}

std::vector<acl::NetworkPolicyRule> ReadRules(ObjectReader& spec, std::string_view direction,
                                              std::string_view peers) {
  std::vector<acl::NetworkPolicyRule> rules;
  for (ObjectReader& rule : spec.Objects(direction)) {
    acl::NetworkPolicyRule& added = rules.emplace_back();
    for (ObjectReader& peer : rule.Objects(peers)) added.peers.push_back(ReadPeer(peer));
    for (ObjectReader& port : rule.Objects("ports")) added.ports.push_back(ReadPort(port));
    rule.RefuseOtherFields();
  }
  return rules;
}

}  // namespace

absl::StatusOr<acl::NetworkPolicy> ReadNetworkPolicy(const nlohmann::json& tree) {
  absl::Status error;
  ObjectReader object(tree, "", &error);
  Metadata metadata = ReadMetadata(object);
  ObjectReader spec = object.Object("spec");
  acl::NetworkPolicy policy{.namespace_name = std::move(metadata.namespace_name),
                            .name = std::move(metadata.name),
                            .pod_selector = ReadSelector(spec.Object("podSelector")),
                            .policy_types = spec.Texts("policyTypes"),
                            .ingress = ReadRules(spec, "ingress", "from"),
                            .egress = ReadRules(spec, "egress", "to")};
  spec.RefuseOtherFields();
  // The status was in the API for a while (1.24 to 1.27); old dumps have it.
  for (const char* field : {"apiVersion", "kind", "status"}) object.Has(field);
  object.RefuseOtherFields();
  if (!error.ok()) return error;
  return policy;
}

}  // namespace sluice::control
