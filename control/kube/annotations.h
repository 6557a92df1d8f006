// What annotations say (acl/annotations.h): text with a syntax of its own inside an object.
//
// Annotations are not checked by the API server, so everything here may be anything. What cannot be
// read is an error, InvalidArgument "metadata.annotations[NAME]: REASON": taking it for absent
// could open what its author meant to close.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <vector>

#include "acl/objects.h"
#include "control/kube/readers.h"

namespace sluice::control {

// Errors go to *status, unless an earlier one stands there.
acl::PolicyOptions ReadPolicyOptions(const Metadata& metadata, absl::Status* status);
// Namespace::ingress_default_deny.
bool ReadIngressDefaultDeny(const Metadata& metadata, absl::Status* status);
// The networks of a MultiNetworkPolicy or SluicePolicy, "namespace/name", each once, in order. A
// network without a namespace is of the policy's own.
std::vector<std::string> ReadPolicyFor(const Metadata& metadata);
// What a pod has on networks other than its primary one, one entry a network. An empty annotation
// lists none.
std::vector<acl::Attachment> ReadAttachments(const Metadata& metadata, absl::Status* status);

}  // namespace sluice::control
