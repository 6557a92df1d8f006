// One Kubernetes object as a tree -> the object of policy that it is. One reader a kind.
//
// The trees come from a manifest (control/kube/documents.h) or from the API. Readers take structure
// and types; whether the values make sense is acl/validate.h's matter. Errors are InvalidArgument
// "FIELD: REASON"; who the object is, the caller knows.
#pragma once

#include <absl/status/statusor.h>

#include <nlohmann/json.hpp>
#include <string>

#include "acl/objects.h"
#include "control/kube/object_reader.h"

namespace sluice::control {

// What every object says of itself. A namespaced object without a namespace is in "default". A
// field that the API does not know is an error: an object in the wrong namespace is another object.
struct Metadata {
  std::string namespace_name;
  std::string name;
  std::string uid;
  acl::Labels labels;
};
Metadata ReadMetadata(ObjectReader& object);

// core/v1 Namespace.
absl::StatusOr<acl::Namespace> ReadNamespace(const nlohmann::json& tree);

// core/v1 Pod, with what its status says: a finished pod (phase Succeeded or Failed) and a
// host-network pod have no addresses, the latter only those of its node, its pod IPs among them.
// Fields that policy does not ask for may be anything.
absl::StatusOr<acl::Endpoint> ReadPod(const nlohmann::json& tree);

// networking.k8s.io/v1 NetworkPolicy. A field that the API does not know is an error.
absl::StatusOr<acl::NetworkPolicy> ReadNetworkPolicy(const nlohmann::json& tree);

}  // namespace sluice::control
