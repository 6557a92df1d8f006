// PortSpec and NetworkSpec <-> protobuf.
#pragma once

#include <absl/status/statusor.h>

#include "control/network_spec.h"
#include "dataplane/port_spec.h"
#include "sluice/v1/port.pb.h"

namespace sluice::control {

// Reads text forms only; whether the port makes sense is for PortTable and the data plane. Errors:
// InvalidArgument "port NAME: FIELD: REASON".
absl::StatusOr<dataplane::PortSpec> PortFromProto(const v1::PortSpec& proto);

void PortToProto(const dataplane::PortSpec& spec, v1::PortSpec* out);

// As above. Errors: InvalidArgument "network NAME: FIELD: REASON".
absl::StatusOr<NetworkSpec> NetworkFromProto(const v1::NetworkSpec& proto);

void NetworkToProto(const NetworkSpec& spec, v1::NetworkSpec* out);

}  // namespace sluice::control
