// The desired state as it is kept on disk, and its way back into a controller.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "control/controller.h"
#include "control/view.h"
#include "sluice/v1/state.pb.h"

namespace sluice::control {

v1::SavedObjects SaveObjects(const DesiredState& state);
v1::SavedPorts SavePorts(const View& view);

// Puts all of it in force, in an order in which no port of a pod is open before what judges it:
// networks and uplinks, objects, other ports. `controller` has the empty state. Returns what could
// not be put back, a line each that names it; the rest is in force. The slots of networks are those
// of before if none had been deleted. No source counts as having synced: what is restored may be
// older than what it was last told, so it has to send its set again. Error: the objects of a source
// could not be put in force; no port of a pod is open.
absl::StatusOr<std::vector<std::string>> Restore(const v1::SavedObjects& objects,
                                                 const v1::SavedPorts& ports,
                                                 Controller& controller);

}  // namespace sluice::control
