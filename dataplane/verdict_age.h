// Does a connection's verdict still hold, or did something it rests on change since?
//
// A verdict rests on its two subjects (their policies and labels) and on who has its two addresses.
// Control stamps what a change can have touched with the new verdict epoch: ports as subjects,
// addresses by a hash, or everything. A connection carries the epoch it was judged in. While
// nothing changes, one comparison says that it holds; after a change, each connection looks at four
// stamps once, and only what was touched is judged again (DESIGN 5.6). Two addresses that share a
// slot cost a needless judgement, never a missing one.
//
// Epochs wrap: they are compared by difference, and control keeps stamps within kStampHorizon of
// the newest epoch.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace sluice::dataplane {

inline constexpr uint32_t kStampHorizon = 1u << 30;

inline bool IsEarlierEpoch(uint32_t epoch, uint32_t than) {
  return static_cast<int32_t>(epoch - than) < 0;
}

// Verdict epochs at which the owner of an address last changed in a way that policy may see.
struct AddressStamps {
  static constexpr size_t kSlots = 4096;
  std::array<uint32_t, kSlots> epochs{};

  // `address`: 16 bytes in network order, IPv4 in the first four, the rest zero.
  static size_t SlotOf(const uint8_t* address) {
    uint64_t high = 0, low = 0;
    std::memcpy(&high, address, sizeof(high));
    std::memcpy(&low, address + sizeof(high), sizeof(low));
    const uint64_t mixed = (high ^ (low * 0x9e37'79b9'7f4a'7c15)) * 0xd6e8'feb8'6659'fd93;
    return mixed >> 52;
  }
  uint32_t At(const uint8_t* address) const { return epochs[SlotOf(address)]; }
};
static_assert(AddressStamps::kSlots == size_t{1} << (64 - 52), "SlotOf yields 12 bits");

}  // namespace sluice::dataplane
