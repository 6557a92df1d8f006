// Which packets judge has to say something about: those without a connection, and those of one
// whose verdict may not hold any more (verdict_age.h).
#pragma once

#include "dataplane/packet.h"

namespace sluice::dataplane {

// Whether the packet's connection, which it has, must be judged again. A verdict that no change
// touched is taken into this snapshot's verdict epoch.
bool HasStaleVerdict(const Burst& burst, const Packet& packet);

// After Track's look-up.
bool NeedsVerdict(const Burst& burst, const Packet& packet);

}  // namespace sluice::dataplane
