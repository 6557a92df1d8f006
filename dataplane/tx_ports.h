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

// Written by the thread that sees peers come and go (vhost_port.h); ports of other kinds keep what
// is here.
struct alignas(64) TxPort {
  // What the peer takes undone, as it said when it connected; 0 while there is none.
  std::atomic<Offloads> takes{0};
  // How many queues, from the first on, the peer reads.
  std::atomic<uint8_t> queues{1};
  std::array<SpinLock, kMaxQueues> locks;  // of each queue, held for one burst
};

struct TxPorts {
  std::array<TxPort, kMaxPorts> ports;
  rte_mempool* pieces = nullptr;  // buffers for what is cut or copied; null: none
  // Of mirrors' copies; set before a snapshot has one.
  rte_mempool* mirrored = nullptr;
};

}  // namespace sluice::dataplane
