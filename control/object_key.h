// Names of objects, and objects on their way into the desired state.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <compare>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "control/kube/manifest.h"

namespace sluice::control {

// Namespace (empty for cluster-scoped objects) and name.
using ObjectName = std::pair<std::string, std::string>;

inline constexpr char kObjectKinds[] =
    "Namespace, Node, Endpoint, NetworkPolicy, MultiNetworkPolicy, SluicePolicy, "
    "ClusterNetworkPolicy, AdminNetworkPolicy or BaselineAdminNetworkPolicy";
bool IsObjectKind(std::string_view kind);
bool IsPolicyKind(std::string_view kind);
// Of objects that are in a namespace.
bool IsNamespacedKind(std::string_view kind);

// The kind of cluster-wide policy of that name; nothing for any other kind.
std::optional<acl::ClusterPolicyKind> ClusterPolicyKindOf(std::string_view kind);

struct ObjectKey {
  std::string kind;  // one of kObjectKinds
  ObjectName name;

  static ObjectKey Of(const Object& object);
  // "NetworkPolicy default/a", "Pod default/web", "AdminNetworkPolicy a".
  std::string ToString() const;
  auto operator<=>(const ObjectKey&) const = default;
};

// One object as a source sent it: what it is called, and either the object or why it could not even
// be read. `uid` is the API server's, known also of one that could not be read; empty if there is
// none.
struct Candidate {
  ObjectKey key;
  std::string uid;
  absl::StatusOr<Object> object;
  // What could be read of one that could not be read whole: for its stand-in. May be null.
  std::shared_ptr<const Object> outline;

  // With the UID of an endpoint.
  static Candidate Of(Object object);
};

// An object that was not taken, and why.
struct Refusal {
  ObjectKey key;
  std::string field;  // API path; may be empty
  std::string reason;

  // From a status that reads "KEY: FIELD: REASON", KEY as ToString or acl::Validate has
  // it; else all is reason.
  static Refusal From(const ObjectKey& key, const absl::Status& status);
  bool operator==(const Refusal&) const = default;
};

}  // namespace sluice::control
