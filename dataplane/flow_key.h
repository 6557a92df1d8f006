// The key of a connection, from the two ends of one of its packets.
//
// Put together in registers and written a word at a time, as it is hashed and compared: a load that
// spans several stores would have to wait for them, with every packet.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "acl/address.h"
#include "dataplane/connection.h"

namespace sluice::dataplane {

static_assert(std::endian::native == std::endian::little, "words are put together from the left");

// A ConnectionEnd as it lies in memory.
struct EndWords {
  uint64_t high = 0, low = 0;  // the address
  uint64_t tail = 0;           // port and subject: the 48 bits behind it

  static EndWords Of(const acl::IpAddress& address, uint16_t port, SubjectRef subject) {
    return {WordAt(address.bytes.data(), 0), WordAt(address.bytes.data(), 8),
            port | uint64_t{subject.port} << 16 | uint64_t{subject.generation} << 32};
  }
  static EndWords Of(const ConnectionEnd& end) {
    constexpr size_t kTail = offsetof(ConnectionEnd, port);
    EndWords words{WordAt(end.address, 0), WordAt(end.address, 8)};
    std::memcpy(&words.tail, reinterpret_cast<const uint8_t*>(&end) + kTail, sizeof(end) - kTail);
    return words;
  }
  // In the order of their bytes.
  bool SortsBefore(const EndWords& other) const {
    if (high != other.high) return __builtin_bswap64(high) < __builtin_bswap64(other.high);
    if (low != other.low) return __builtin_bswap64(low) < __builtin_bswap64(other.low);
    return __builtin_bswap64(tail) < __builtin_bswap64(other.tail);
  }
};

// What is not of one end.
struct FlowKind {
  uint16_t network = 0;
  uint8_t protocol = 0;
  acl::Family family = acl::Family::kIpv4;
};

// Writes the key of a flow. True: the source is its end b, the one that sorts behind the other.
inline bool WriteKey(const EndWords& source, const EndWords& destination, const FlowKind& kind,
                     ConnectionKey& key) {
  const bool from_b = destination.SortsBefore(source);
  const EndWords a = from_b ? destination : source;
  const EndWords b = from_b ? source : destination;
  const uint64_t rest =
      kind.network | uint64_t{kind.protocol} << 16 | static_cast<uint64_t>(kind.family) << 24;
  const uint64_t words[] = {a.high,
                            a.low,
                            a.tail | b.high << 48,
                            b.high >> 16 | b.low << 48,
                            b.low >> 16 | b.tail << 48,
                            b.tail >> 16 | rest << 32};
  static_assert(sizeof(words) == sizeof(key));
  std::memcpy(static_cast<void*>(&key), words, sizeof(key));
  return from_b;
}

}  // namespace sluice::dataplane
