#include "dataplane/learned_macs.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <bit>

#include "dataplane/clock.h"

namespace sluice::dataplane {
namespace {

constexpr uint32_t kRefreshMs = 1000;  // busy senders do not dirty the line with every packet

uint64_t WordOf(const MacAddress& mac, PortId port) {
  uint64_t word = 0;
  for (const uint8_t byte : mac.bytes) word = word << 8 | byte;
  return word << 16 | port;
}

MacAddress MacOf(uint64_t word) {
  MacAddress mac;
  for (size_t i = 0; i < mac.bytes.size(); ++i) {
    mac.bytes[i] = static_cast<uint8_t>(word >> (56 - 8 * i));
  }
  return mac;
}

PortId PortOf(uint64_t word) { return static_cast<PortId>(word); }
bool IsOf(uint64_t word, const MacAddress& mac) { return word >> 16 == WordOf(mac, 0) >> 16; }

}  // namespace

LearnedMacs::LearnedMacs(uint32_t capacity, uint32_t max_age_ms)
    : max_age_ms_(max_age_ms),
      buckets_(std::bit_ceil((capacity + kBucketSize - 1) / kBucketSize)) {}

// Seeded anew by each process: outsiders choose their MACs.
size_t LearnedMacs::BucketOf(const MacAddress& mac) const {
  return absl::HashOf(mac) & (buckets_.size() - 1);
}

// Another worker's clock may be a moment ahead.
uint32_t LearnedMacs::AgeOf(const Entry& entry, uint32_t now_ms) const {
  if (entry.word.load(std::memory_order_relaxed) == 0) return max_age_ms_;
  const auto age = static_cast<int32_t>(now_ms - entry.seen_ms.load(std::memory_order_relaxed));
  if (age < 0) return age < -static_cast<int32_t>(kRefreshMs) ? max_age_ms_ : 0;
  return std::min(static_cast<uint32_t>(age), max_age_ms_);
}

void LearnedMacs::Learn(const MacAddress& mac, PortId port, uint32_t now_ms) {
  Bucket& bucket = buckets_[BucketOf(mac)];
  Entry* place = &bucket.entries[0];
  for (Entry& entry : bucket.entries) {
    const uint64_t word = entry.word.load(std::memory_order_relaxed);
    if (IsOf(word, mac)) {
      if (PortOf(word) == port && AgeOf(entry, now_ms) < std::min(kRefreshMs, max_age_ms_)) return;
      place = &entry;
      break;
    }
    if (AgeOf(entry, now_ms) > AgeOf(*place, now_ms)) place = &entry;
  }
  place->seen_ms.store(now_ms, std::memory_order_relaxed);
  place->word.store(WordOf(mac, port), std::memory_order_relaxed);
}

PortId LearnedMacs::Find(const MacAddress& mac, uint32_t now_ms) const {
  for (const Entry& entry : buckets_[BucketOf(mac)].entries) {
    const uint64_t word = entry.word.load(std::memory_order_relaxed);
    if (!IsOf(word, mac)) continue;
    return AgeOf(entry, now_ms) < max_age_ms_ ? PortOf(word) : kNoPort;
  }
  return kNoPort;
}

void LearnedMacs::Visit(
    uint32_t now_ms, const std::function<void(const MacAddress&, PortId, uint32_t)>& visit) const {
  for (const Bucket& bucket : buckets_) {
    for (const Entry& entry : bucket.entries) {
      const uint32_t age = AgeOf(entry, now_ms);
      if (age == max_age_ms_) continue;
      const uint64_t word = entry.word.load(std::memory_order_relaxed);
      visit(MacOf(word), PortOf(word), age);
    }
  }
}

void LearnedMacs::Visit(
    const std::function<void(const MacAddress&, PortId, uint32_t)>& visit) const {
  Visit(CoarseNowMs(), visit);
}

}  // namespace sluice::dataplane
