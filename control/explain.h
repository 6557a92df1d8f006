// What the tries in force say of a connection that does not exist.
#pragma once

#include <absl/status/statusor.h>

#include "control/probe.h"
#include "control/verdict.h"
#include "control/view.h"

namespace sluice::control {

// Judges `probe` with the published classifier, each end that has a port here as its port would be
// judged, on the network that it names, with what comes nearest to admitting what is denied by
// default. Builds an index over all endpoints: for people, not for
// packets. Errors: Resolve's; InvalidArgument "network: ..." for a network that does not exist;
// FailedPrecondition "FIELD: port NAME is shut ..." for a pod whose labels are not known.
absl::StatusOr<Verdict> Explain(const View& view, const Probe& probe);

}  // namespace sluice::control
