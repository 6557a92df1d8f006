// Memory that peers of vhost ports share with us, and may take away.
//
// A peer may truncate the file behind its memory while a worker reads its rings: the access ends in
// SIGBUS, and without more in the end of the process, and with it of every pod's network. Here the
// signal finds the peer whose memory it was: zeroes take the place of what is gone, and its port is
// told. A SIGBUS elsewhere does what it did before.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::dataplane {

class VhostPort;

struct PeerRegion {
  void* begin = nullptr;
  uint64_t bytes = 0;
};

// From here on the signal is handled. Once is enough; more often does no harm.
void WatchPeerMemory();

// The memory of `peer`, whose port hears of it by VhostPort::CutOff; in place of what it had. None:
// forgets it, which has to happen before the port goes. One thread at a time for one peer. Regions
// for which there is no room (kMaxPeerRegions in all) are not watched.
void SetPeerMemory(int peer, VhostPort* port, std::span<const PeerRegion> regions);
inline constexpr unsigned kMaxPeerRegions = 4096;

// Between the two, on the thread that calls them, memory that is touched may be a peer's of which
// nobody knows yet: what is missing of it is replaced by zeroes, too. The second says whether
// anything was. To begin again without an end does no harm.
void BeginMemoryChange();
bool EndMemoryChange();

}  // namespace sluice::dataplane
