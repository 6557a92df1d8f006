// Objects <-> protobuf, for the services and for sluicectl.
//
// The protos mirror acl/objects.h, acl/cluster_policy.h and acl/sluice_policy.h field by field;
// what differs is only that addresses are text there. One file a family of kinds:
// control/grpc/convert_parts.h.
#pragma once

#include <absl/status/statusor.h>

#include "control/kube/manifest.h"
#include "control/object_key.h"
#include "sluice/v1/objects.pb.h"

namespace sluice::control {

void ToProto(const Object& object, sluice::v1::Object* out);

// The object as it was sent, not validated: what was meant matters even if it is refused (an
// isolating stand-in). Errors: InvalidArgument as below, for what an Object cannot hold.
absl::StatusOr<Object> UncheckedFromProto(const sluice::v1::Object& proto);

// The object, validated (acl/validate.h). Errors: InvalidArgument "KIND NAMESPACE/NAME: FIELD:
// REASON", FIELD being a proto path for what has no counterpart in the Kubernetes API.
absl::StatusOr<Object> FromProto(const sluice::v1::Object& proto);

// What names the object (control/object_key.h).
sluice::v1::ObjectKey KeyOf(const Object& object);

}  // namespace sluice::control
