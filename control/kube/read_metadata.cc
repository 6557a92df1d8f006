#include "control/kube/readers.h"

namespace sluice::control {

Metadata ReadMetadata(ObjectReader& object) {
  ObjectReader metadata = object.Object("metadata");
  Metadata result{.namespace_name = metadata.Text("namespace"),
                  .name = metadata.Text("name"),
                  .uid = metadata.Text("uid"),
                  .labels = metadata.TextMap("labels")};
  if (result.namespace_name.empty()) result.namespace_name = "default";
  if (result.name.empty()) metadata.Fail("name", "is missing");
  return result;
}

absl::StatusOr<acl::Namespace> ReadNamespace(const nlohmann::json& tree) {
  absl::Status status;
  ObjectReader object(tree, "", &status);
  Metadata metadata = ReadMetadata(object);
  if (!status.ok()) return status;
  return acl::Namespace{std::move(metadata.name), std::move(metadata.labels)};
}

}  // namespace sluice::control
