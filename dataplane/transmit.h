// Last stage for the living: per-port buffers, flushed once a loop.
//
// One per worker. A port may be sent to by several workers; its lock keeps one burst at a time.
// What the sender left undone (offload.h) and the receiving peer does not take is done here. What a
// device does not take dies as kTxFull, on the account of the port it came in by.
#pragma once

#include <array>
#include <vector>

#include "dataplane/packet.h"
#include "dataplane/tally.h"
#include "dataplane/tx_ports.h"

namespace sluice::dataplane {

class Transmitter {
 public:
  Transmitter(TxPorts* ports, Tally* tally);

  // kNone, or why the buffer cannot leave by `out_port`: too large, or not to be cut.
  DropReason Check(const PortView& out, PortId out_port, const rte_mbuf& mbuf) const;
  // Takes the buffer over, after Check, and sends it with the next Flush, or now if the port's
  // buffer is full.
  void Enqueue(const Snapshot& snapshot, PortId in_port, PortId out_port, rte_mbuf* mbuf);
  // Every living packet of the burst that goes to one port; none in a dry run. What leaves by the
  // uplink gets the tag of its network.
  void Transmit(Burst& burst);
  // Sends all that waits. `snapshot` is the one the packets were enqueued under.
  void Flush(const Snapshot& snapshot);

 private:
  struct Queue {
    std::array<rte_mbuf*, kBurstSize> mbufs;
    unsigned count = 0;
    bool waiting = false;  // listed in waiting_
  };
  bool PeerTakes(PortId port, const rte_mbuf& mbuf) const;
  void EnqueueComplete(const Snapshot& snapshot, PortId in_port, PortId out_port, rte_mbuf* mbuf);
  void Push(const Snapshot& snapshot, PortId in_port, PortId out_port, rte_mbuf* mbuf);
  void Send(const Snapshot& snapshot, PortId port);
  void CountDrop(PortId in_port, DropReason reason);

  TxPorts* const ports_;
  Tally* const tally_;
  std::vector<Queue> queues_;    // by PortId
  std::vector<PortId> waiting_;  // ports to flush; never grows past kMaxPorts
};

}  // namespace sluice::dataplane
