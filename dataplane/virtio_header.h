// The header that a tap puts before each frame: what its sender left undone (offload.h).
//
// Format: virtio 1.2, 5.1.6, without num_buffers, in the machine's byte order, as Linux' tun does.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

namespace sluice::dataplane {

struct VirtioHeader {
  uint8_t flags = 0;
  uint8_t cut = 0;          // gso_type
  uint16_t headers = 0;     // bytes in front of the payload that is to be cut
  uint16_t segment = 0;     // payload bytes of a piece
  uint16_t sum_start = 0;   // offset in the frame of what the checksum is over
  uint16_t sum_offset = 0;  // from there to the checksum
};
static_assert(sizeof(VirtioHeader) == 10);

// Puts what the sender says into the buffer's receive flags, as DPDK's vhost library does;
// CheckOffloads holds it against the headers. What cannot have been agreed on is said in a way that
// it refuses.
void SayReceived(const VirtioHeader& header, rte_mbuf& mbuf);

// Of a buffer after CheckOffloads, whose peer takes what it needs.
VirtioHeader HeaderOf(const rte_mbuf& mbuf);

}  // namespace sluice::dataplane
