// What all workers share to send by a port, beside the snapshot.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/offload.h"
#include "dataplane/snapshot.h"
#include "dataplane/spin_lock.h"

struct rte_mempool;

namespace sluice::dataplane {

struct TxPort {
  SpinLock lock;  // held for one burst
  // What the peer takes undone, as it said when it connected. Written by the thread that sees peers
  // come and go (peer_offloads.h), 0 while there is none.
  std::atomic<Offloads> takes{0};
};

struct TxPorts {
  std::array<TxPort, kMaxPorts> ports;
  rte_mempool* pieces = nullptr;  // buffers for what is cut or copied; null: none
};

}  // namespace sluice::dataplane
