// Cuts IP packets of tests into fragments, right ones and wrong ones.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/support/frame.h"

namespace sluice::test {

// Which fragment of a datagram to make.
struct Slice {
  size_t offset = 0;
  size_t length = 0;  // bytes beyond the datagram's end are zero
  bool more = true;
};

// `frame`: an untagged IPv4 packet with a 20-byte header, or an IPv6 one. `repeated`: bytes of
// extension headers that each IPv6 fragment begins with; 0 or 8.
std::vector<uint8_t> CutOne(const std::vector<uint8_t>& frame, uint32_t identification,
                            const Slice& slice, size_t repeated = 0);

// All fragments, in order, of at most `length` bytes of payload each (a multiple of 8).
std::vector<std::vector<uint8_t>> Cut(const std::vector<uint8_t>& frame, uint32_t identification,
                                      size_t length, size_t repeated = 0);

}  // namespace sluice::test
