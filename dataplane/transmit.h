// Last stage for the living: per-port buffers, flushed once a loop.
//
// One per worker. A port may be sent to by several workers; its TxLock keeps one burst at a time.
// What a device does not take dies as kTxFull, on the account of the port it came in by.
#pragma once

#include <array>
#include <vector>

#include "dataplane/packet.h"
#include "dataplane/spin_lock.h"
#include "dataplane/tally.h"

namespace sluice::dataplane {

// Shared by all workers: one lock for each port slot.
using TxLocks = std::array<SpinLock, kMaxPorts>;

class Transmitter {
 public:
  Transmitter(TxLocks* locks, Tally* tally);

  // Takes the buffer over and sends it with the next Flush, or now if the port's buffer is full.
  void Enqueue(const Snapshot& snapshot, PortId in_port, PortId out_port, rte_mbuf* mbuf);
  // Every living packet of the burst that goes to one port.
  void Transmit(Burst& burst);
  // Sends all that waits. `snapshot` is the one the packets were enqueued under.
  void Flush(const Snapshot& snapshot);

 private:
  struct Queue {
    std::array<rte_mbuf*, kBurstSize> mbufs;
    unsigned count = 0;
    bool waiting = false;  // listed in waiting_
  };
  void Send(const Snapshot& snapshot, PortId port);

  TxLocks* const locks_;
  Tally* const tally_;
  std::vector<Queue> queues_;    // by PortId
  std::vector<PortId> waiting_;  // ports to flush; never grows past kMaxPorts
};

}  // namespace sluice::dataplane
