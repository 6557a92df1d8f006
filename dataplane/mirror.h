// Copies of what passes for a port whose peer only looks on: a mirror.
//
//   ... flood -> CopyPassing -> transmit -> CopyDead -> sink
//
// A packet that was mirrored is none the worse: copies come from a pool of their own, and what a
// mirror has no room for is lost, as kMirrorFull on the mirror's own account. Each mirror gets a
// packet once, even if both the port that it enters by and the one that it leaves by are mirrored.
// Copies are as the packet came, without an uplink's tag; answers that the switch makes itself are
// not mirrored, nor is what waits and is given up. Whether the receiver's queue has room is not
// known yet: what dies as tx_full was mirrored.
//
// Without a mirror, a worker pays one branch a burst.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/tally.h"
#include "dataplane/transmit.h"

namespace sluice::dataplane {

class Mirrorer {
 public:
  Mirrorer(TxPorts* ports, Tally* tally, Transmitter* transmitter)
      : ports_(ports), tally_(tally), transmitter_(transmitter) {}

  static bool Wanted(const Snapshot& snapshot) { return snapshot.mirrors[0] != kNoPort; }

  // Of what is alive and goes to one port.
  void CopyPassing(const Burst& burst);
  // Of what died; a burst's packets that still have their buffers.
  void CopyDead(const Burst& burst);
  // Before it becomes the answer to itself (reject.h).
  void CopyRejected(const Burst& burst, const Packet& packet);
  // To each of `mirrors`. Also for flood, which knows who got the packet.
  void Copy(const Snapshot& snapshot, MirrorSet mirrors, const rte_mbuf& mbuf);

 private:
  void CopyTo(const Snapshot& snapshot, PortId mirror, const rte_mbuf& mbuf);

  TxPorts* const ports_;
  Tally* const tally_;
  Transmitter* const transmitter_;
};

}  // namespace sluice::dataplane
