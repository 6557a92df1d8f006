#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "control/kube/annotations.h"
#include "control/kube/network_rule.h"
#include "control/kube/policy_parts.h"
#include "control/kube/readers.h"

namespace sluice::control {
namespace {

acl::NetworkPolicy ReadPolicy(ObjectReader& object, const Metadata& metadata,
                              absl::Status* status) {
  acl::NetworkPolicy policy{.namespace_name = metadata.namespace_name,
                            .name = metadata.name,
                            .options = ReadPolicyOptions(metadata, status)};
  ReadNetworkSpec(object.Object("spec"), ReadNetworkRule, &policy);
  // The status was in the API for a while (1.24 to 1.27); old dumps have it.
  for (const char* field : {"apiVersion", "kind", "status"}) object.Has(field);
  object.RefuseOtherFields();
  return policy;
}

bool HasIpBlock(const std::vector<acl::NetworkPolicyRule>& rules) {
  return std::ranges::any_of(rules, [](const acl::NetworkPolicyRule& rule) {
    return std::ranges::any_of(rule.peers, [](const auto& peer) { return bool{peer.ip_block}; });
  });
}

// Of Kubernetes before 1.7: what came with 1.7 and 1.8 is nowhere in it.
bool IsLegacy(ObjectReader spec, const acl::NetworkPolicy& policy) {
  return !spec.Has("policyTypes") && !spec.Has("egress") && !HasIpBlock(policy.ingress);
}

absl::StatusOr<acl::MultiNetworkPolicy> ReadMultiPolicy(const nlohmann::json& tree) {
  absl::Status error;
  ObjectReader object(tree, "", &error);
  const Metadata metadata = ReadMetadata(object);
  acl::MultiNetworkPolicy multi{.policy = ReadPolicy(object, metadata, &error),
                                .networks = ReadPolicyFor(metadata)};
  if (!error.ok()) return error;
  return multi;
}

absl::Status RefuseEndPorts(const char* direction,
                            const std::vector<acl::NetworkPolicyRule>& rules) {
  for (size_t r = 0; r < rules.size(); ++r) {
    for (size_t i = 0; i < rules[r].ports.size(); ++i) {
      if (!rules[r].ports[i].end_port) continue;
      return absl::InvalidArgumentError(fmt::format(
          "spec.{}[{}].ports[{}].endPort: needs k8s.cni.cncf.io/v1beta2", direction, r, i));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<acl::NetworkPolicy> ReadNetworkPolicy(const nlohmann::json& tree) {
  absl::Status error;
  ObjectReader object(tree, "", &error);
  acl::NetworkPolicy policy = ReadPolicy(object, ReadMetadata(object), &error);
  if (!error.ok()) return error;
  return policy;
}

absl::StatusOr<acl::NetworkPolicy> ReadExtensionsPolicy(const nlohmann::json& tree) {
  absl::StatusOr<acl::NetworkPolicy> policy = ReadNetworkPolicy(tree);
  if (!policy.ok()) return policy;
  absl::Status ignored;
  policy->legacy = IsLegacy(ObjectReader(tree, "", &ignored).Object("spec"), *policy);
  return policy;
}

absl::StatusOr<acl::MultiNetworkPolicy> ReadMultiPolicyV1Beta1(const nlohmann::json& tree) {
  absl::StatusOr<acl::MultiNetworkPolicy> multi = ReadMultiPolicy(tree);
  if (!multi.ok()) return multi;
  absl::Status status = RefuseEndPorts("ingress", multi->policy.ingress);
  if (status.ok()) status = RefuseEndPorts("egress", multi->policy.egress);
  if (!status.ok()) return status;
  return multi;
}

absl::StatusOr<acl::MultiNetworkPolicy> ReadMultiPolicyV1Beta2(const nlohmann::json& tree) {
  return ReadMultiPolicy(tree);
}

}  // namespace sluice::control
