// Last stage for the living: per-port buffers, flushed once a loop.
//
// One per worker. A worker sends by one queue of a port, which keeps each flow in order; where a
// port has fewer queues than there are workers, a lock keeps one burst at a time. What the sender
// left undone (offload.h) and the receiving peer does not take is done here. What a device does not
// take dies as kTxFull, on the account of the port it came in by.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "dataplane/packet.h"
#include "dataplane/tally.h"
#include "dataplane/tx_ports.h"

namespace sluice::dataplane {

class Transmitter {
 public:
  Transmitter(unsigned worker, TxPorts* ports, Tally* tally);

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
  // Who is told of what no port takes; null: nobody.
  void ShowTo(Recorder* recorder) { recorder_ = recorder; }

 private:
  struct Queue {
    std::array<rte_mbuf*, kBurstSize> mbufs;
    unsigned count = 0;
    bool waiting = false;  // listed in waiting_
  };
  bool PeerTakes(PortId port, const rte_mbuf& mbuf) const;
  void EnqueueComplete(const Snapshot& snapshot, PortId in_port, PortId out_port, rte_mbuf* shared);
  void Push(const Snapshot& snapshot, PortId in_port, PortId out_port, rte_mbuf* mbuf);
  void Send(const Snapshot& snapshot, PortId port);
  size_t Offer(const Snapshot& snapshot, PortId port, std::span<rte_mbuf*> mbufs);
  // Counts it and tells of it; the buffer stays the caller's.
  void Lose(const Snapshot& snapshot, PortId in_port, PortId out_port, rte_mbuf* mbuf,
            DropReason reason);

  const unsigned worker_;  // which of a device's queues it sends by
  TxPorts* const ports_;
  Tally* const tally_;
  Recorder* recorder_ = nullptr;
  std::vector<Queue> queues_;    // by PortId
  std::vector<PortId> waiting_;  // ports to flush; never grows past kMaxPorts
};

}  // namespace sluice::dataplane
