// policy.networking.k8s.io/v1alpha1. Source: apis/v1alpha1/*_types.go of
// kubernetes-sigs/network-policy-api.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "control/kube/policy_parts.h"
#include "control/kube/readers.h"

namespace sluice::control {
namespace {

acl::ClusterPort ReadNumber(ObjectReader number) {
  std::string protocol = number.Text("protocol");
  const int64_t port = ReadPortNumber(number, "port");
  number.RefuseOtherFields();
  return acl::PortNumbers{std::move(protocol), port, port};
}

// The API's text wants start below end, its schema does not: equal ones are one port.
acl::ClusterPort ReadRange(ObjectReader range) {
  std::string protocol = range.Text("protocol");
  const int64_t start = ReadPortNumber(range, "start");
  const int64_t end = ReadPortNumber(range, "end");
  if (start > end) range.Fail("start", fmt::format("{} is above end {}", start, end));
  range.RefuseOtherFields();
  return acl::PortNumbers{std::move(protocol), start, end};
}

acl::ClusterPort ReadPort(ObjectReader& entry) {
  static const std::array<std::string, 3> fields = {"portNumber", "portRange", "namedPort"};
  acl::UnknownKind unknown;
  const std::string_view field = OneOf(entry, fields, &unknown);
  if (field == "portNumber") return ReadNumber(entry.Object(field));
  if (field == "portRange") return ReadRange(entry.Object(field));
  if (field == "namedPort") return acl::PortName{entry.Text(field)};
  return unknown;
}

ClusterApi Api(std::vector<std::string> egress_peers) {
  return {"ports", ReadPort, std::move(egress_peers), /*namespace_selector_required=*/true,
          /*says_allow=*/true};
}

}  // namespace

absl::StatusOr<acl::ClusterPolicy> ReadAdminNetworkPolicy(const nlohmann::json& tree) {
  static const ClusterApi api = Api({"nodes", "networks", "domainNames"});
  absl::Status error;
  ObjectReader object(tree, "", &error);
  ObjectReader spec = object.Object("spec");
  const std::optional<int64_t> priority = spec.Integer("priority");
  acl::ClusterPolicy policy = ReadClusterParts(api, object, spec, &error);
  if (!priority) spec.Fail("priority", "is missing");
  if (!error.ok()) return error;
  policy.kind = acl::ClusterPolicyKind::kAdminNetworkPolicy;
  policy.tier = "Admin";
  policy.priority = *priority;
  return policy;
}

absl::StatusOr<acl::ClusterPolicy> ReadBaselineAdminNetworkPolicy(const nlohmann::json& tree) {
  static const ClusterApi api = Api({"nodes", "networks"});
  absl::Status error;
  ObjectReader object(tree, "", &error);
  ObjectReader spec = object.Object("spec");
  acl::ClusterPolicy policy = ReadClusterParts(api, object, spec, &error);
  if (!error.ok()) return error;
  policy.kind = acl::ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  policy.tier = "Baseline";
  return policy;
}

}  // namespace sluice::control
