#include "control/kube/readers.h"

namespace sluice::control {
namespace {

// ObjectMeta of meta/v1 beyond what is read; the last two are in dumps of old servers.
constexpr const char* kOtherFields[] = {"creationTimestamp", "deletionGracePeriodSeconds",
                                        "deletionTimestamp", "finalizers",
                                        "generateName",      "generation",
                                        "managedFields",     "ownerReferences",
                                        "resourceVersion",   "selfLink",
                                        "clusterName",       "initializers"};

}  // namespace

Metadata ReadMetadata(ObjectReader& object) {
  ObjectReader metadata = object.Object("metadata");
  Metadata result{.namespace_name = metadata.Text("namespace"),
                  .name = metadata.Text("name"),
                  .uid = metadata.Text("uid"),
                  .labels = metadata.TextMap("labels"),
                  .annotations = metadata.TextMap("annotations")};
  for (const char* field : kOtherFields) metadata.Has(field);
  metadata.RefuseOtherFields();
  if (result.namespace_name.empty()) result.namespace_name = "default";
  if (result.name.empty()) metadata.Fail("name", "is missing");
  return result;
}

}  // namespace sluice::control
