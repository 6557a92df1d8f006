// Takes over the region that another process left, however it ended.
//
// Nothing in it is believed. Buckets, lists and accounts are made anew from the entries; an entry
// stays only if it was complete, makes sense, is the one its check was made of, is not too old, and
// has subjects that a port can still become again. Its verdict is stale: its next packet is judged.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "dataplane/connection_table.h"
#include "dataplane/flow_key.h"

namespace sluice::dataplane {
namespace {

constexpr uint64_t kMaxDownMs = 1u << 30;  // 12 days: longer than any timeout

bool IsZero(const uint8_t* first, const uint8_t* last) {
  return std::all_of(first, last, [](uint8_t byte) { return byte == 0; });
}

bool IsSound(const ConnectionEnd& end, uint8_t family) {
  if (family == 4 && !IsZero(end.address + 4, end.address + 16)) return false;
  return end.subject.port < kMaxPorts && (end.subject.port == 0) == (end.subject.generation == 0);
}

bool IsSound(const Connection& entry) {
  const ConnectionKey& key = entry.key;
  if (key.family != 4 && key.family != 6) return false;
  if (!IsSound(key.a, key.family) || !IsSound(key.b, key.family)) return false;
  if (EndWords::Of(key.b).SortsBefore(EndWords::Of(key.a))) return false;
  uint8_t initiator = 0;  // not read as a bool before it is known to be one
  std::memcpy(&initiator, &entry.initiator_is_b, sizeof(initiator));
  if (initiator > 1) return false;
  return std::all_of(std::begin(entry.halves), std::end(entry.halves), [](const Half& half) {
    return static_cast<uint8_t>(half.state.load(std::memory_order_relaxed)) < kHalfStates;
  });
}

// How long nobody kept the time. A wall clock that was set back does not make anyone younger.
uint32_t DownMs(uint64_t then, uint64_t now) {
  return static_cast<uint32_t>(now > then ? std::min(now - then, kMaxDownMs) : 0);
}

}  // namespace

// Milliseconds that were 32 bits of the old process' clock become those of this one's.
void ConnectionTable::Judge(Connection& entry, uint32_t down_ms, Found* found) {
  const uint32_t sequence = entry.sequence.load(std::memory_order_relaxed);
  const uint64_t hash = Hash(entry.key);
  if ((sequence & 1) == 0) {
    // Dead, or torn on the way in or out.
    found->torn += entry.link == static_cast<uint32_t>(hash) && IsSound(entry) ? 1 : 0;
    return;
  }
  entry.sequence.store(sequence + 1, std::memory_order_relaxed);  // dead until it is in its bucket
  if (!IsSound(entry) || entry.link != static_cast<uint32_t>(hash) ||
      Lookup(entry.key, hash) != nullptr) {
    ++found->damaged;
    return;
  }
  if (!HasSubjects(entry.key)) {
    ++found->orphaned;
    return;
  }
  const uint32_t old_now = region_->header().clock_ms.load(std::memory_order_relaxed);
  for (Half& half : entry.halves) {
    const uint32_t seen = half.last_seen_ms.load(std::memory_order_relaxed);
    const uint32_t lived = seen - half.opened_ms.load(std::memory_order_relaxed);
    const auto since = static_cast<int32_t>(old_now - seen);
    const uint32_t idle =
        std::min<uint32_t>(static_cast<uint32_t>(std::max(since, 0)), kMaxDownMs - 1) + down_ms;
    half.last_seen_ms.store(config_.now_ms - idle, std::memory_order_relaxed);
    half.opened_ms.store(config_.now_ms - idle - lived, std::memory_order_relaxed);
  }
  if (IdleMs(entry, config_.now_ms) >= config_.tracking.Timeout(StateOf(entry))) {
    ++found->expired;
    return;
  }
  if (!Relink(entry, hash)) return;
  ++found->kept;
}

// Whether the ports of both ends can come back: their slots still stand under their generation.
bool ConnectionTable::HasSubjects(const ConnectionKey& key) const {
  for (const SubjectRef& end : {key.a.subject, key.b.subject}) {
    if (end.port == kNoPort) continue;
    const SubjectRow& row = subject(end.port);
    if (row.identity().empty() || row.generation() != end.generation) return false;
  }
  return true;
}

bool ConnectionTable::Relink(Connection& entry, uint64_t hash) {
  ConnectionBucket& primary = Primary(hash);
  ConnectionBucket& secondary = Secondary(hash);
  ConnectionBucket& roomier = primary.Used() <= secondary.Used() ? primary : secondary;
  const unsigned slot = roomier.EmptySlot();
  if (slot == ConnectionBucket::kSlots) return false;
  entry.verdict_epoch.store(0, std::memory_order_relaxed);  // before every snapshot's
  entry.sequence.fetch_add(1, std::memory_order_relaxed);   // odd: live
  roomier.Put(slot, ConnectionBucket::TagOf(hash), NumberOf(entry));
  accounts_.Charge(NumberOf(entry), entry.ChargedPort());
  live_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void ConnectionTable::TakeOver() {
  const RegionHeader& header = region_->header();
  const uint32_t down_ms = DownMs(header.wall_ms.load(std::memory_order_relaxed), config_.wall_ms);
  const std::span<ConnectionBucket> buckets = region_->buckets();
  std::memset(static_cast<void*>(buckets.data()), 0, buckets.size_bytes());
  Found found;
  uint32_t used = 0;
  for (Connection& entry : region_->entries()) {
    Judge(entry, down_ms, &found);
    if (entry.IsLive()) used = NumberOf(entry) + 1;
  }
  high_water_.store(used, std::memory_order_relaxed);
  for (uint32_t number = 0; number < used; ++number) {
    if (!entries_[number].IsLive()) Append(&free_, &entries_[number]);
  }
  available_.store(config_.capacity - live_.load(std::memory_order_relaxed),
                   std::memory_order_relaxed);
  spdlog::info(
      "connection file {}: {} connections taken over after {} ms; left out: {} torn, {} damaged, "
      "{} expired, {} of ports that cannot come back",
      config_.file, found.kept, down_ms, found.torn, found.damaged, found.expired, found.orphaned);
}

}  // namespace sluice::dataplane
