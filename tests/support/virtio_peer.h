// The other side of a vhost port, in the same process: one net_virtio_user device that a test
// drives.
//
// The vhost library works in its own thread, so connecting is waited for, never slept for.
#pragma once

#include <rte_mempool.h>

#include <string>
#include <vector>

#include "tests/support/testbed.h"

namespace sluice::test {

struct VirtioPeerConfig {
  std::string socket;
  bool server = false;  // owns the socket
  unsigned queues = 1;
  bool packed = false;
  bool mergeable = true;
  bool offloads = false;  // checksums and segmentation, both ways
  uint16_t mtu = 1500;
};

class VirtioPeer {
 public:
  // Aborts the test if the device does not open.
  VirtioPeer(const VirtioPeerConfig& config, rte_mempool* pool);
  ~VirtioPeer();  // closes the connection
  VirtioPeer(const VirtioPeer&) = delete;
  VirtioPeer& operator=(const VirtioPeer&) = delete;

  bool LinkUp() const;
  // Offers a frame; with `undone`, asks the switch to do what is left. False: no room in the queue.
  bool Send(const Bytes& frame, const Undone& undone = {}, uint16_t queue = 0);
  // Offers a frame with a header that `seed` makes up: places and sizes that need not fit it.
  bool SendHostile(const Bytes& frame, uint32_t seed);
  // All that has arrived on all queues.
  std::vector<Received> Receive();
  std::vector<Received> Receive(uint16_t queue);

 private:
  const VirtioPeerConfig config_;
  rte_mempool* const pool_;
  std::string name_;
  uint16_t device_ = 0;
};

}  // namespace sluice::test
