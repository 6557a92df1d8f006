// DPDK's vhost library, between which and the ports is all of this process' global state: its
// callbacks name a peer and nothing of their registrant's.
#pragma once

#include <absl/status/status.h>

namespace sluice::dataplane {

class VhostPort;

// The library makes the socket of `port` or looks for it, and calls the port from now on, until it
// is unregistered. Errors: Internal naming the step that failed; then it is not registered.
absl::Status RegisterVhostPort(VhostPort* port);
// Calls PeerStopped for who is connected, and nothing after that.
void UnregisterVhostPort(VhostPort* port);

}  // namespace sluice::dataplane
