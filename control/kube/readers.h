// One Kubernetes object as a tree -> the object of policy that it is. One reader a kind.
//
// The trees come from a manifest (control/kube/documents.h) or from the API. Readers take structure
// and types; whether the values make sense is acl/validate.h's matter. Errors are InvalidArgument
// "FIELD: REASON"; who the object is, the caller knows.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "acl/cluster_policy.h"
#include "acl/objects.h"
#include "acl/sluice_policy.h"
#include "control/kube/object_reader.h"

namespace sluice::control {

// What every object says of itself. A namespaced object without a namespace is in "default". A
// field that the API does not know is an error: an object in the wrong namespace is another object.
struct Metadata {
  std::string namespace_name;
  std::string name;
  std::string uid;
  acl::Labels labels;
  std::map<std::string, std::string> annotations;
};
Metadata ReadMetadata(ObjectReader& object);

// core/v1 Namespace, with the annotation that isolates its pods in clusters before 1.7.
absl::StatusOr<acl::Namespace> ReadNamespace(const nlohmann::json& tree);

// core/v1 Node: its addresses are those of type InternalIP and ExternalIP.
absl::StatusOr<acl::Node> ReadNode(const nlohmann::json& tree);

// core/v1 Pod, with what its status says: a finished pod (phase Succeeded or Failed) and a
// host-network pod have no addresses, the latter only those of its node, its pod IPs among them.
// Addresses on other networks come from the annotation of Multus, for pods that have their own.
// Fields that policy does not ask for may be anything.
absl::StatusOr<acl::Endpoint> ReadPod(const nlohmann::json& tree);

// Policies. A field that the API does not know is an error, but for kinds of peers and protocols of
// cluster-wide policies: those become an UnknownKind, as their API asks for.

// networking.k8s.io/v1.
absl::StatusOr<acl::NetworkPolicy> ReadNetworkPolicy(const nlohmann::json& tree);
// extensions/v1beta1: `legacy` unless it says something that only Kubernetes 1.7 and later know.
absl::StatusOr<acl::NetworkPolicy> ReadExtensionsPolicy(const nlohmann::json& tree);
// k8s.cni.cncf.io; v1beta1 has no endPort.
absl::StatusOr<acl::MultiNetworkPolicy> ReadMultiPolicyV1Beta1(const nlohmann::json& tree);
absl::StatusOr<acl::MultiNetworkPolicy> ReadMultiPolicyV1Beta2(const nlohmann::json& tree);
// sluice.io/v1alpha1.
absl::StatusOr<acl::SluicePolicy> ReadSluicePolicy(const nlohmann::json& tree);
// policy.networking.k8s.io/v1alpha2.
absl::StatusOr<acl::ClusterPolicy> ReadClusterNetworkPolicy(const nlohmann::json& tree);
// policy.networking.k8s.io/v1alpha1.
absl::StatusOr<acl::ClusterPolicy> ReadAdminNetworkPolicy(const nlohmann::json& tree);
absl::StatusOr<acl::ClusterPolicy> ReadBaselineAdminNetworkPolicy(const nlohmann::json& tree);

}  // namespace sluice::control
