// The connections that the vhost library makes with peers, as far as it leaves them to us.
#pragma once

#include <string>

namespace sluice::dataplane {

// The library serves all peers by one thread, and waits there for the rest of a message that a peer
// has begun. This bounds the wait, both ways, on connections that have no bound yet: those accepted
// at `path`, or, if it is empty, all blocking stream connections of this process to unix sockets
// that are bound to no name themselves, its standard streams left out. A peer that makes us wait
// longer for its message is cut off. Returns the connection's descriptor; below 0 if it was not
// one, but none or several.
int BoundWaits(const std::string& path);

// Whether the peer leaves our answers unread: soon one would wait for it, and the workers with it.
bool ReadsNoAnswers(int connection);

}  // namespace sluice::dataplane
