// Objects <-> protobuf, kind by kind. Use control/grpc/convert.h.
//
// Write fills an empty message; Read gives what was sent, not validated. Errors of Read:
// InvalidArgument "KIND NAME: FIELD: REASON" for what the object cannot hold.
#pragma once

#include <absl/status/statusor.h>

#include "acl/cluster_policy.h"
#include "acl/objects.h"
#include "acl/sluice_policy.h"
#include "sluice/v1/objects.pb.h"

namespace sluice::control {

void Write(const acl::LabelSelector& selector, v1::LabelSelector* out);
acl::LabelSelector Read(const v1::LabelSelector& proto);
void Write(const acl::PolicyOptions& options, v1::PolicyOptions* out);
acl::PolicyOptions Read(const v1::PolicyOptions& proto);
void Write(const acl::NetworkPolicyRule& rule, v1::NetworkPolicyRule* out);
acl::NetworkPolicyRule Read(const v1::NetworkPolicyRule& proto);
void Write(const acl::SluiceRule& rule, v1::SluiceRule* out);
acl::SluiceRule Read(const v1::SluiceRule& proto);

// What NetworkPolicies and SluicePolicies have in common.
template <typename Policy, typename Proto>
void WriteNamespaced(const Policy& policy, Proto* out) {
  out->set_namespace_(policy.namespace_name);
  out->set_name(policy.name);
  Write(policy.pod_selector, out->mutable_pod_selector());
  out->mutable_policy_types()->Assign(policy.policy_types.begin(), policy.policy_types.end());
  for (const auto& rule : policy.ingress) Write(rule, out->add_ingress());
  for (const auto& rule : policy.egress) Write(rule, out->add_egress());
  if (policy.options != acl::PolicyOptions()) Write(policy.options, out->mutable_options());
}
template <typename Policy, typename Proto>
Policy ReadNamespaced(const Proto& proto) {
  Policy policy;
  policy.namespace_name = proto.namespace_();
  policy.name = proto.name();
  policy.options = Read(proto.options());
  policy.pod_selector = Read(proto.pod_selector());
  policy.policy_types = {proto.policy_types().begin(), proto.policy_types().end()};
  for (const auto& rule : proto.ingress()) policy.ingress.push_back(Read(rule));
  for (const auto& rule : proto.egress()) policy.egress.push_back(Read(rule));
  return policy;
}

void Write(const acl::Namespace& ns, v1::Namespace* out);
acl::Namespace Read(const v1::Namespace& proto);
void Write(const acl::Node& node, v1::Node* out);
absl::StatusOr<acl::Node> Read(const v1::Node& proto);
void Write(const acl::Endpoint& endpoint, v1::Endpoint* out);
absl::StatusOr<acl::Endpoint> Read(const v1::Endpoint& proto);
void Write(const acl::NetworkPolicy& policy, v1::NetworkPolicy* out);
acl::NetworkPolicy Read(const v1::NetworkPolicy& proto);
void Write(const acl::MultiNetworkPolicy& multi, v1::MultiNetworkPolicy* out);
acl::MultiNetworkPolicy Read(const v1::MultiNetworkPolicy& proto);
void Write(const acl::SluicePolicy& policy, v1::SluicePolicy* out);
acl::SluicePolicy Read(const v1::SluicePolicy& proto);
void Write(const acl::ClusterPolicy& policy, v1::ClusterPolicy* out);
absl::StatusOr<acl::ClusterPolicy> Read(const v1::ClusterPolicy& proto);

}  // namespace sluice::control
