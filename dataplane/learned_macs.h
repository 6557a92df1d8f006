// Who was seen where: the MAC addresses behind a network's uplink and host port, and those that
// pods use beside their own.
//
// Mutable beside the immutable snapshots: a NetworkView refers to it, and it lives as long as its
// network. Look-ups are lock-free. Whoever polls a port learns what it reads there, so several
// workers may write; an entry's address and port are one word, and a race costs at most an entry.
// Bounded: a full bucket gives up its oldest entry. What was not seen for max_age_ms does not
// count. Nothing is allocated after construction.
//
// It only ever says where to send a frame, never who may send it: the MACs that control gives a
// network (NetworkView::macs) are looked up first, and reach nobody else.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "dataplane/mac_address.h"
#include "dataplane/snapshot.h"

namespace sluice::dataplane {

class LearnedMacs {
 public:
  // Room for at least `capacity` addresses, 4 to a bucket; 1 .. 2^24. max_age_ms < 2^31.
  LearnedMacs(uint32_t capacity, uint32_t max_age_ms);

  // `mac` was just seen behind `port`. From a worker. `now_ms` may wrap.
  void Learn(const MacAddress& mac, PortId port, uint32_t now_ms);
  // kNoPort: not seen lately. The port may be another's by now: the caller checks.
  PortId Find(const MacAddress& mac, uint32_t now_ms) const;

  // Every address seen lately, with its port and how long ago. Any thread; not a consistent cut.
  void Visit(uint32_t now_ms,
             const std::function<void(const MacAddress&, PortId, uint32_t)>& visit) const;
  // By the data plane's clock.
  void Visit(const std::function<void(const MacAddress&, PortId, uint32_t)>& visit) const;
  size_t capacity() const { return buckets_.size() * kBucketSize; }

 private:
  static constexpr size_t kBucketSize = 4;
  struct Entry {
    std::atomic<uint64_t> word{0};  // MAC << 16 | port; 0: never used
    std::atomic<uint32_t> seen_ms{0};
  };
  struct alignas(64) Bucket {
    std::array<Entry, kBucketSize> entries;
  };

  size_t BucketOf(const MacAddress& mac) const;
  uint32_t AgeOf(const Entry& entry, uint32_t now_ms) const;  // max_age_ms_ at most

  const uint32_t max_age_ms_;
  std::vector<Bucket> buckets_;  // a power of two
};

}  // namespace sluice::dataplane
