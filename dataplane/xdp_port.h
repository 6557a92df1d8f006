// What an af-xdp port has beside its ethdev: buffers of its own, and its sockets, of which this
// takes care because DPDK's driver (22.11) does not. At the port's end it gives back neither the
// buffers that wait for the kernel nor the socket, by which the interface's queue stays taken.
//
// So no buffer of the driver's leaves the port: what is received is copied here, what is sent the
// driver copies. At the end all of them are the driver's, and go as a whole.
#pragma once

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "dataplane/packet_pool.h"

struct rte_eth_rxtx_callback;

namespace sluice::dataplane {

struct XdpSocket {
  int fd = -1;
  ino_t inode = 0;  // tells it from another that has its number by now
  bool operator==(const XdpSocket&) const = default;
};

// Move-only. From one thread, the only one that opens such sockets.
class XdpPort {
 public:
  // Errors: ResourceExhausted (no memory), FailedPrecondition (it is not in one piece, which the
  // kernel wants).
  static absl::StatusOr<XdpPort> Make();

  rte_mempool* pool() const { return pool_.get(); }
  // The ethdev is set up with our pool, or failed to be. Sockets that were not there before Make
  // are its own.
  void NoteSockets();
  // What the ethdev receives is copied to `pool` from now on. Nobody receives yet. Errors:
  // Internal.
  absl::Status CopyTo(rte_mempool* pool, uint16_t ethdev);
  // Before the ethdev is closed, and after. Nobody receives any more, and the buffers may go then.
  void StopCopying(uint16_t ethdev);
  void CloseSockets();

 private:
  PacketPool pool_;
  std::vector<XdpSocket> others_;  // were there before
  std::vector<XdpSocket> own_;
  const rte_eth_rxtx_callback* copier_ = nullptr;
};

}  // namespace sluice::dataplane
