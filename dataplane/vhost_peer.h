// Who is connected to a vhost port, and what it agreed to: kept up to date for the workers.
//
// The vhost library's thread calls when a peer comes, goes, or switches a queue on or off; each
// call writes a TxPort, which workers read with every burst. While nobody is connected, and until a
// new peer's features are read, it says "takes nothing": what is sent then is complete.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <mutex>

#include "dataplane/tx_ports.h"

namespace sluice::dataplane {

class VhostPeer {
 public:
  // `device` is a started net_vhost device that outlives this; so does `tx`.
  VhostPeer(uint16_t device, TxPort* tx);
  ~VhostPeer();
  VhostPeer(const VhostPeer&) = delete;
  VhostPeer& operator=(const VhostPeer&) = delete;

 private:
  static int OnEvent(uint16_t device, rte_eth_event_type event, void* self, void* unused);
  void Refresh();

  const uint16_t device_;
  TxPort* const tx_;
  std::mutex mutex_;      // between the library's thread and the constructor's
  uint32_t enabled_ = 0;  // of our transmit queues, a bit each
  bool was_up_ = false;
};

}  // namespace sluice::dataplane
