// Does in software what a sender left undone and the receiving port's peer does not take.
//
// Why not rte_gso: it knows no IPv6, leaves every checksum to others, and makes pieces of two
// buffers that point into the frame, which all its readers would have to wait for. Here a piece is
// a copy, and its checksum is computed while the copy is in the cache.
// tests/packets/segment_test.cc holds the two against each other.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

namespace sluice::dataplane {

// Computes the transport checksum that the flags of `mbuf` (after CheckOffloads) ask for, and takes
// the flags away. Writes into the first segment: the buffer must not be shared.
void CompleteChecksum(rte_mbuf& mbuf);

// The pieces of a frame that is to be cut, one after the other, each complete with checksums:
//   TCP   headers repeated; sequence number and IPv4 identification move on; FIN and PSH on the
//         last piece only, CWR on the first
//   UDP   IPv4 fragments of one datagram
// Never more than one piece is held, so a small pool serves any frame.
class FrameCutter {
 public:
  // `frame` passed CheckOffloads with IsToBeCut; UDP only over IPv4. It stays the caller's,
  // outlives the cutter, and is not shared if it is UDP (its checksum is completed in place).
  FrameCutter(rte_mbuf& frame, rte_mempool* pool);

  bool done() const { return cut_ == payload_; }
  // The next piece, the caller's from here on; null if the pool is empty. Not when done.
  rte_mbuf* Next();

 private:
  rte_mbuf* Copy(uint32_t payload);
  void FixIp(rte_mbuf& piece, uint32_t payload, bool last) const;
  void FixTcp(rte_mbuf& piece, bool last) const;

  const rte_mbuf& frame_;
  rte_mempool* const pool_;
  const bool udp_;
  const uint32_t headers_;  // bytes repeated in front of each piece
  const uint32_t payload_;  // bytes to distribute
  uint32_t cut_ = 0;        // of them, so far
  uint16_t pieces_ = 0;     // so far
};

}  // namespace sluice::dataplane
