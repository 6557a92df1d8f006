// Kubernetes manifests -> objects: YAML or JSON, several documents, List kinds, as `kubectl get -o
// yaml|json` prints them or `kubectl apply` takes them.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "acl/cluster_policy.h"
#include "acl/objects.h"
#include "acl/sluice_policy.h"

namespace sluice::control {

using Object = std::variant<acl::Namespace, acl::Node, acl::Endpoint, acl::NetworkPolicy,
                            acl::MultiNetworkPolicy, acl::SluicePolicy, acl::ClusterPolicy>;

struct Manifest {
  // In file order, each validated (acl/validate.h, acl/pattern_check.h).
  std::vector<Object> objects;
  // "FILE: KIND NAME: ...", one line each: kinds that are not policy's concern, and what has no
  // effect in those that are (control/kube/object_warnings.h)
  std::vector<std::string> warnings;
};

// `file` names the text in errors. Kinds read: Namespace, Node, Pod, NetworkPolicy (also of
// extensions/v1beta1), MultiNetworkPolicy, SluicePolicy, ClusterNetworkPolicy, AdminNetworkPolicy,
// BaselineAdminNetworkPolicy, and lists of them. A namespaced object without a namespace is in
// "default". Errors: InvalidArgument, one line
// "FILE: KIND NAMESPACE/NAME: FIELD: REASON" (or "FILE: line N: REASON" for text that does not
// parse; an object that does not say what it is goes by its place, "document 2"); unknown fields
// inside metadata and a policy's spec are errors of their own, as `kubectl --validate=strict`. So
// is what is skipped at one's peril: another kind of network policy, a List without items.
absl::StatusOr<Manifest> ParseManifest(std::string_view file, std::string_view text);

// Reads `path` ("-" is standard input) and parses it. Errors as above, or NotFound/Unavailable.
absl::StatusOr<Manifest> ReadManifest(const std::string& path);

}  // namespace sluice::control
