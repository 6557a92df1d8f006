// Says whether an object may enter the desired state.
//
// Every error is InvalidArgument and reads "KIND NAMESPACE/NAME: FIELD: REASON", FIELD being the
// API path ("spec.ingress[0].ports[1].endPort"), so that it reaches the user unchanged. The rules
// are those of the API server's own validation (label keys and values, names, CIDRs, except inside
// cidr, endPort at or above port, ipBlock alone in its peer, known operators, In/NotIn with values;
// for cluster-wide policies the schema and CEL rules of their CRDs; for what SluicePolicies have of
// their own acl/content.h and acl/sluice_policy.h). An UnknownKind is acceptable:
// its rule fails closed.
#pragma once

#include <absl/status/status.h>

#include "acl/cluster_policy.h"
#include "acl/objects.h"
#include "acl/sluice_policy.h"

namespace sluice::acl {

absl::Status Validate(const Namespace& ns);
absl::Status Validate(const Endpoint& endpoint);
absl::Status Validate(const Node& node);
absl::Status Validate(const NetworkPolicy& policy);
absl::Status Validate(const MultiNetworkPolicy& multi);
absl::Status Validate(const ClusterPolicy& policy);
// But for whether its patterns compile: that takes milliseconds each (acl/pattern_check.h).
absl::Status Validate(const SluicePolicy& policy);

}  // namespace sluice::acl
