// A bucket of the connection table's hash: eight tags and eight entry numbers on one cache line.
//
// Readers look at tags without a lock; writers hold the bucket's lock. A tag is sixteen bits of the
// key's hash that are not the bucket's; 0 is an empty slot.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/spin_lock.h"

namespace sluice::dataplane {

struct alignas(64) ConnectionBucket {
  static constexpr unsigned kSlots = 8;

  std::atomic<uint64_t> tags[2];  // four 16-bit lanes each
  std::atomic<uint32_t> entries[kSlots];
  SpinLock lock;

  static uint16_t TagOf(uint64_t hash) { return static_cast<uint16_t>((hash >> 48) | 1); }

  uint16_t TagAt(unsigned slot) const {
    return static_cast<uint16_t>(tags[slot / 4].load(std::memory_order_relaxed) >> (slot % 4 * 16));
  }
  unsigned Used() const {
    unsigned used = 0;
    for (unsigned slot = 0; slot < kSlots; ++slot) used += TagAt(slot) != 0 ? 1 : 0;
    return used;
  }
  // The first empty slot, or kSlots.
  unsigned EmptySlot() const {
    unsigned slot = 0;
    while (slot < kSlots && TagAt(slot) != 0) ++slot;
    return slot;
  }
  // Under the lock. Release: whoever sees the tag sees the entry it stands for.
  void SetTag(unsigned slot, uint16_t tag) {
    const unsigned shift = slot % 4 * 16;
    uint64_t word = tags[slot / 4].load(std::memory_order_relaxed);
    word = (word & ~(uint64_t{0xffff} << shift)) | (uint64_t{tag} << shift);
    tags[slot / 4].store(word, std::memory_order_release);
  }
  void Put(unsigned slot, uint16_t tag, uint32_t entry) {
    entries[slot].store(entry, std::memory_order_release);
    SetTag(slot, tag);
  }

  // A half's lanes that equal `tag`, as their top bits. A lane above a match may be reported
  // wrongly; the key decides.
  uint64_t MatchLanes(unsigned half, uint16_t tag) const {
    constexpr uint64_t kLanes = 0x0001'0001'0001'0001;
    const uint64_t difference = tags[half].load(std::memory_order_acquire) ^ (kLanes * tag);
    return (difference - kLanes) & ~difference & (kLanes << 15);
  }
};
static_assert(sizeof(ConnectionBucket) == 64);

}  // namespace sluice::dataplane
