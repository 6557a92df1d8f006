// Deleting a port even of a sluiced that is not there: by a file in its state directory it learns,
// as it starts, which ports are not to come back.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "control/cni/call.h"

namespace sluice::cni {

// Deletes the port `name`. Without the daemon: Unavailable or DeadlineExceeded, and the port does
// not come back with it if the configuration says where it keeps its state. Other errors: the
// daemon's; kIo "daemonStateDirectory: ..." if neither could be done.
absl::Status DeletePort(const Call& call, const std::string& name);

// A port of that name comes back again: it is to be added. Errors: kIo.
absl::Status ForgetDeletion(const Call& call, const std::string& name);

// Whether `status` is that of a daemon that could not be told.
bool IsAway(const absl::Status& status);

}  // namespace sluice::cni
