#include "control/kube/policy_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "control/kube/annotations.h"
#include "control/kube/readers.h"

namespace sluice::control {
namespace {

const std::vector<std::string>& IngressPeers() {
  static const std::vector<std::string> fields = {"namespaces", "pods"};
  return fields;
}

acl::PodsPeer ReadPods(const ClusterApi& api, ObjectReader pods) {
  if (!pods.Has("podSelector")) pods.Fail("podSelector", "is missing");
  if (!pods.Has("namespaceSelector") && api.namespace_selector_required) {
    pods.Fail("namespaceSelector", "is missing");
  }
  acl::PodsPeer peer{.namespaces = ReadSelector(pods.Object("namespaceSelector")),
                     .pods = ReadSelector(pods.Object("podSelector"))};
  pods.RefuseOtherFields();
  return peer;
}

acl::ClusterPeer ReadPeer(const ClusterApi& api, ObjectReader& peer,
                          std::span<const std::string> fields) {
  acl::UnknownKind unknown;
  const std::string_view field = OneOf(peer, fields, &unknown);
  if (field == "namespaces") return acl::PodsPeer{ReadSelector(peer.Object(field)), {}};
  if (field == "pods") return ReadPods(api, peer.Object(field));
  if (field == "nodes") return acl::NodesPeer{ReadSelector(peer.Object(field))};
  if (field == "networks") return acl::NetworksPeer{peer.Texts(field)};
  if (field == "domainNames") return acl::DomainNamesPeer{peer.Texts(field)};
  return unknown;
}

std::string ReadAction(const ClusterApi& api, ObjectReader& rule) {
  std::string action = rule.Text("action");
  if (!api.says_allow) return action;
  if (action == "Accept") {
    rule.Fail("action", "\"Accept\" is not supported in v1alpha1: it says Allow");
  }
  return action == "Allow" ? "Accept" : action;
}

// An empty list would match nothing to one reader and everything to the next: the API refuses it.
std::vector<acl::ClusterPort> ReadPorts(const ClusterApi& api, ObjectReader& rule) {
  std::vector<acl::ClusterPort> ports;
  for (ObjectReader& entry : rule.Objects(api.ports)) ports.push_back(api.read_port(entry));
  if (ports.empty() && rule.Has(api.ports)) rule.Fail(api.ports, "needs at least one entry");
  return ports;
}

std::vector<acl::ClusterRule> ReadRules(const ClusterApi& api, ObjectReader& spec,
                                        std::string_view direction, std::string_view peers) {
  std::vector<std::string> fields = IngressPeers();
  if (direction == "egress") {
    fields.insert(fields.end(), api.egress_peers.begin(), api.egress_peers.end());
  }
  std::vector<acl::ClusterRule> rules;
  for (ObjectReader& rule : spec.Objects(direction)) {
    acl::ClusterRule& added = rules.emplace_back();
    added.name = rule.Text("name");
    added.action = ReadAction(api, rule);
    for (ObjectReader& peer : rule.Objects(peers)) {
      added.peers.push_back(ReadPeer(api, peer, fields));
    }
    added.ports = ReadPorts(api, rule);
    rule.RefuseOtherFields();
  }
  return rules;
}

acl::PodsPeer ReadSubject(const ClusterApi& api, ObjectReader& spec) {
  ObjectReader subject = spec.Object("subject");
  const bool namespaces = subject.Has("namespaces");
  const bool pods = subject.Has("pods");
  if (namespaces == pods) spec.Fail("subject", "needs exactly one of namespaces, pods");
  subject.RefuseOtherFields();
  if (pods) return ReadPods(api, subject.Object("pods"));
  return {ReadSelector(subject.Object("namespaces")), {}};
}

}  // namespace

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

std::string_view OneOf(ObjectReader& entry, std::span<const std::string> fields,
                       acl::UnknownKind* unknown) {
  std::string_view found;
  bool several = false;
  for (const std::string& field : fields) {
    if (!entry.Has(field)) continue;
    several = several || !found.empty();
    found = field;
  }
  if (const std::optional<std::string> other = entry.OtherField()) {
    unknown->field = entry.PathOf(*other);
    return {};
  }
  if (several) {
    entry.Fail(found,
               fmt::format("does not go together with another of {}", fmt::join(fields, ", ")));
  }
  unknown->field = entry.path();
  return found;
}

int64_t ReadPortNumber(ObjectReader& entry, std::string_view field) {
  constexpr int64_t kMaxPort = 65535;
  const int64_t port = entry.Integer(field).value_or(0);
  if (!entry.Has(field)) {
    entry.Fail(field, "is missing");
  } else if (port < 1 || port > kMaxPort) {
    entry.Fail(field, fmt::format("{} is not between 1 and {}", port, kMaxPort));
  }
  return port;
}

acl::ClusterPolicy ReadClusterParts(const ClusterApi& api, ObjectReader& object, ObjectReader& spec,
                                    absl::Status* status) {
  const Metadata metadata = ReadMetadata(object);
  acl::ClusterPolicy policy;
  policy.name = metadata.name;
  policy.options = ReadPolicyOptions(metadata, status);
  policy.subject = ReadSubject(api, spec);
  policy.ingress = ReadRules(api, spec, "ingress", "from");
  policy.egress = ReadRules(api, spec, "egress", "to");
  spec.RefuseOtherFields();
  for (const char* field : {"apiVersion", "kind", "status", "spec"}) object.Has(field);
  object.RefuseOtherFields();
  return policy;
}

}  // namespace sluice::control
