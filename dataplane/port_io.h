// What a worker reads a port's queues by, and writes them by.
//
// A vhost-user port is spoken to through DPDK's vhost library, a tap through the kernel, every
// other kind through its ethdev. The switch is here, once a burst, and not in a table of functions:
// there are three of them.
#pragma once

#include <cstdint>

struct rte_mbuf;

namespace sluice::dataplane {

class TapPort;
class VhostPort;

// A plain value, valid as long as the PortDevice that it came from. The default is no port: nothing
// comes from it, and nothing is taken.
class PortIo {
 public:
  PortIo() = default;
  explicit PortIo(VhostPort* vhost) : vhost_(vhost) {}
  explicit PortIo(TapPort* tap) : tap_(tap) {}
  // `one_piece`: the device sends only packets that are in one buffer.
  explicit PortIo(uint16_t ethdev, bool one_piece = false)
      : ethdev_(ethdev), one_piece_(one_piece) {}

  // Up to `count` (at most kBurstSize) packets, which are the caller's from then on; how many. One
  // reader a queue.
  uint16_t Receive(uint16_t queue, rte_mbuf** mbufs, uint16_t count) const;
  // Takes over the first N of `count` (at most kBurstSize) packets and returns N. One writer a
  // queue at a time.
  uint16_t Send(uint16_t queue, rte_mbuf** mbufs, uint16_t count) const;

  // Whether what is not read yet stays where it is, and its sender sees that there is no room.
  // Other devices lose what does not fit.
  bool HoldsBack() const { return vhost_ != nullptr; }
  // Whether a packet that is not taken says nothing of the next: the kernel may refuse one.
  bool RefusesSingly() const { return tap_ != nullptr; }

  bool operator==(const PortIo&) const = default;

 private:
  static constexpr uint16_t kNoEthdev = UINT16_MAX;

  VhostPort* vhost_ = nullptr;
  TapPort* tap_ = nullptr;
  uint16_t ethdev_ = kNoEthdev;
  bool one_piece_ = false;
};

}  // namespace sluice::dataplane
