// How a port goes from one worker to another: nobody polls it for one grace period.
//
// Each half of a connection has one writer, the worker that polls its sender, and a port's rings
// have one reader. So between the snapshot where the old worker polls a port and the one where the
// new worker does, there is one where neither does. Packets wait in the port's rings meanwhile.
#pragma once

#include <memory>

#include "dataplane/snapshot.h"

namespace sluice::dataplane {

// `next` without the ports in its `polled` that another worker polls under `before`; null if there
// are none.
std::unique_ptr<const Snapshot> WithoutMovingPorts(const Snapshot& before, const Snapshot& next);

}  // namespace sluice::dataplane
