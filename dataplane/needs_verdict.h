// Which packets judge has to say something about: those without a connection, and those of one
// whose verdict may not hold any more (verdict_age.h).
#pragma once

#include "dataplane/packet.h"

namespace sluice::dataplane {

// After Track's look-up. A verdict that no change touched is taken into this snapshot's verdict
// epoch.
bool NeedsVerdict(const Burst& burst, const Packet& packet);

}  // namespace sluice::dataplane
