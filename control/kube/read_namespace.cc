#include <utility>

#include "control/kube/annotations.h"
#include "control/kube/readers.h"

namespace sluice::control {

absl::StatusOr<acl::Namespace> ReadNamespace(const nlohmann::json& tree) {
  absl::Status status;
  ObjectReader object(tree, "", &status);
  Metadata metadata = ReadMetadata(object);
  const bool default_deny = ReadIngressDefaultDeny(metadata, &status);
  if (!status.ok()) return status;
  return acl::Namespace{std::move(metadata.name), std::move(metadata.labels), default_deny};
}

}  // namespace sluice::control
