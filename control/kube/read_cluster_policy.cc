// policy.networking.k8s.io/v1alpha2. Source: apis/v1alpha2/clusternetworkpolicy_types.go of
// kubernetes-sigs/network-policy-api.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "control/kube/policy_parts.h"
#include "control/kube/readers.h"

namespace sluice::control {
namespace {

acl::ClusterPort ReadRange(ObjectReader range, std::string protocol) {
  const int64_t start = ReadPortNumber(range, "start");
  const int64_t end = ReadPortNumber(range, "end");
  if (start >= end) range.Fail("start", fmt::format("{} is not below end {}", start, end));
  range.RefuseOtherFields();
  return acl::PortNumbers{std::move(protocol), start, end};
}

acl::ClusterPort ReadDestinationPort(ObjectReader port, std::string protocol) {
  static const std::array<std::string, 2> fields = {"number", "range"};
  acl::UnknownKind unknown;
  const std::string_view field = OneOf(port, fields, &unknown);
  if (field == "range") return ReadRange(port.Object(field), std::move(protocol));
  if (field.empty()) return unknown;
  const int64_t number = ReadPortNumber(port, field);
  return acl::PortNumbers{std::move(protocol), number, number};
}

// An attribute of a protocol that we do not know narrows what the entry means in a way that we do
// not know either.
acl::ClusterPort ReadProtocol(ObjectReader attributes, std::string protocol) {
  static const std::array<std::string, 1> fields = {"destinationPort"};
  acl::UnknownKind unknown;
  const std::string_view field = OneOf(attributes, fields, &unknown);
  if (field.empty()) return unknown;
  return ReadDestinationPort(attributes.Object(field), std::move(protocol));
}

acl::ClusterPort ReadPort(ObjectReader& entry) {
  static const std::array<std::string, 4> fields = {"tcp", "udp", "sctp", "destinationNamedPort"};
  acl::UnknownKind unknown;
  const std::string_view field = OneOf(entry, fields, &unknown);
  if (field == "tcp") return ReadProtocol(entry.Object(field), "TCP");
  if (field == "udp") return ReadProtocol(entry.Object(field), "UDP");
  if (field == "sctp") return ReadProtocol(entry.Object(field), "SCTP");
  std::string name = entry.Text("destinationNamedPort");
  if (field.empty() || name.empty()) return unknown;  // or beside what we do not know
  return acl::PortName{std::move(name)};
}

const ClusterApi& Api() {
  static const ClusterApi api = {"protocols",
                                 ReadPort,
                                 {"nodes", "networks", "domainNames"},
                                 /*namespace_selector_required=*/false,
                                 /*says_allow=*/false};
  return api;
}

}  // namespace

absl::StatusOr<acl::ClusterPolicy> ReadClusterNetworkPolicy(const nlohmann::json& tree) {
  absl::Status error;
  ObjectReader object(tree, "", &error);
  ObjectReader spec = object.Object("spec");
  std::string tier = spec.Text("tier");
  const std::optional<int64_t> priority = spec.Integer("priority");
  acl::ClusterPolicy policy = ReadClusterParts(Api(), object, spec, &error);
  if (!priority) spec.Fail("priority", "is missing");
  if (!error.ok()) return error;
  policy.kind = acl::ClusterPolicyKind::kClusterNetworkPolicy;
  policy.tier = std::move(tier);
  policy.priority = *priority;
  return policy;
}

}  // namespace sluice::control
