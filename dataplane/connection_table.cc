#include "dataplane/connection_table.h"

#include <fmt/core.h>
#include <rte_prefetch.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "dataplane/journal.h"

namespace sluice::dataplane {

ConnectionTable::ConnectionTable(const ConnectionTableConfig& config,
                                 std::unique_ptr<ConnectionRegion> region, Quiescence* quiescence)
    : config_(config),
      region_(std::move(region)),
      quiescence_(quiescence),
      visitor_reader_(config.workers),
      seed_(region_->header().seed),
      bucket_mask_(region_->buckets().size() - 1),
      buckets_(region_->buckets().data()),
      entries_(region_->entries().data()),
      accounts_(config.capacity, config.port_share),
      available_(config.capacity) {
  for (unsigned worker = 0; worker < config.workers; ++worker) {
    parts_.push_back(std::make_unique<WorkerPart>());
  }
}

absl::StatusOr<std::unique_ptr<ConnectionTable>> ConnectionTable::Create(
    const ConnectionTableConfig& config, Quiescence* quiescence) {
  if (config.capacity < 16 || config.capacity > (1u << 26)) {
    return absl::InvalidArgumentError(fmt::format(
        "connections: capacity {} is not between 16 and {}", config.capacity, 1u << 26));
  }
  if (config.port_share < 1 || config.port_share > 100) {
    return absl::InvalidArgumentError(fmt::format(
        "connections: a port's share of {} percent is not between 1 and 100", config.port_share));
  }
  auto region = ConnectionRegion::Map(config.capacity, config.file);
  if (!region.ok()) return region.status();
  const bool found_table = (*region)->found_table();
  std::unique_ptr<ConnectionTable> table(
      new ConnectionTable(config, *std::move(region), quiescence));
  if (found_table) table->TakeOver();
  RegionHeader& header = table->region_->header();
  header.clock_ms.store(config.now_ms, std::memory_order_relaxed);
  header.wall_ms.store(config.wall_ms, std::memory_order_relaxed);
  return table;
}

uint64_t ConnectionTable::Hash(const ConnectionKey& key) const {
  return XXH3_64bits_withSeed(&key, sizeof(key), seed_);
}

Connection* ConnectionTable::FindIn(const ConnectionBucket& bucket, const ConnectionKey& key,
                                    uint64_t hash) const {
  const uint16_t tag = ConnectionBucket::TagOf(hash);
  for (unsigned half = 0; half < 2; ++half) {
    for (uint64_t lanes = bucket.MatchLanes(half, tag); lanes != 0; lanes &= lanes - 1) {
      const unsigned slot = half * 4 + static_cast<unsigned>(std::countr_zero(lanes)) / 16;
      Connection& entry = entries_[bucket.entries[slot].load(std::memory_order_acquire)];
      if (bucket.TagAt(slot) == tag && entry.key == key) return &entry;
    }
  }
  return nullptr;
}

Connection* ConnectionTable::Lookup(const ConnectionKey& key, uint64_t hash) const {
  Connection* found = FindIn(Primary(hash), key, hash);
  return found != nullptr ? found : FindIn(Secondary(hash), key, hash);
}

inline Connection* ConnectionTable::Candidate(const ConnectionBucket& bucket, uint64_t hash) const {
  for (unsigned half = 0; half < 2; ++half) {
    const uint64_t lanes = bucket.MatchLanes(half, ConnectionBucket::TagOf(hash));
    if (lanes == 0) continue;
    const unsigned slot = half * 4 + static_cast<unsigned>(std::countr_zero(lanes)) / 16;
    return &entries_[bucket.entries[slot].load(std::memory_order_acquire)];
  }
  return nullptr;
}

// Three passes, so that what one packet waits for comes in while others are looked at.
void ConnectionTable::LookupBurst(std::span<Packet* const> wanted) const {
  for (Packet* packet : wanted) {
    packet->hash = Hash(packet->key);
    rte_prefetch0(&Primary(packet->hash));
    rte_prefetch0(&Secondary(packet->hash));
  }
  for (Packet* packet : wanted) {
    packet->connection = Candidate(Primary(packet->hash), packet->hash);
    if (packet->connection == nullptr) {
      packet->connection = Candidate(Secondary(packet->hash), packet->hash);
    }
    if (packet->connection == nullptr) continue;
    rte_prefetch0(packet->connection);
    rte_prefetch0(&packet->connection->Sent(packet->from_b));
  }
  for (Packet* packet : wanted) {
    if (packet->connection == nullptr || packet->connection->key == packet->key) continue;
    packet->connection = Lookup(packet->key, packet->hash);  // the tag was another key's
  }
}

ConnectionTable::Inserted ConnectionTable::FindOrInsert(unsigned worker, const ConnectionKey& key,
                                                        uint64_t hash, bool initiator_is_b,
                                                        uint32_t verdict_epoch, uint32_t now_ms) {
  if (Connection* found = Lookup(key, hash)) return {found, false, DropReason::kNone};
  const PortId initiator = initiator_is_b ? key.b.subject.port : key.a.subject.port;
  const PortId responder = initiator_is_b ? key.a.subject.port : key.b.subject.port;
  const PortId payer = initiator != kNoPort ? initiator : responder;
  const DropReason refused = MakeRoom(worker, payer);
  if (refused != DropReason::kNone) return {nullptr, false, refused};

  ConnectionBucket* first = &Primary(hash);
  ConnectionBucket* second = &Secondary(hash);
  if (second < first) std::swap(first, second);  // one order for all writers
  const std::scoped_lock lock_first(first->lock);
  std::unique_lock<SpinLock> lock_second;
  if (second != first) lock_second = std::unique_lock(second->lock);

  if (Connection* found = Lookup(key, hash)) return {found, false, DropReason::kNone};
  ConnectionBucket& roomier = first->Used() <= second->Used() ? *first : *second;
  const unsigned slot = roomier.EmptySlot();
  if (slot == ConnectionBucket::kSlots) return {nullptr, false, DropReason::kTableFull};
  Connection* entry = TakeFree();
  if (entry == nullptr) return {nullptr, false, DropReason::kTableFull};

  entry->key = key;
  entry->initiator_is_b = initiator_is_b;
  entry->link = static_cast<uint32_t>(hash);
  entry->verdict_epoch.store(verdict_epoch, std::memory_order_relaxed);
  entry->inspection.store(Inspection::kNone, std::memory_order_relaxed);
  for (Half& half : entry->halves) half.Reset(now_ms);
  entry->sequence.fetch_add(1, std::memory_order_release);  // odd: live
  accounts_.Charge(NumberOf(*entry), payer);
  roomier.Put(slot, ConnectionBucket::TagOf(hash), NumberOf(*entry));
  live_.fetch_add(1, std::memory_order_relaxed);
  parts_[worker]->created.Add(1);
  return {entry, true, DropReason::kNone};
}

bool ConnectionTable::Unlink(Connection* connection) {
  const uint64_t hash = Hash(connection->key);
  const uint32_t number = NumberOf(*connection);
  ConnectionBucket* candidates[2] = {&Primary(hash), &Secondary(hash)};
  for (ConnectionBucket* bucket : candidates) {
    const std::scoped_lock lock(bucket->lock);
    for (unsigned slot = 0; slot < ConnectionBucket::kSlots; ++slot) {
      if (bucket->TagAt(slot) == 0) continue;
      if (bucket->entries[slot].load(std::memory_order_relaxed) != number) continue;
      connection->sequence.fetch_add(1, std::memory_order_release);  // even: dead
      accounts_.Discharge(number, connection->ChargedPort());
      bucket->SetTag(slot, 0);
      live_.fetch_sub(1, std::memory_order_relaxed);
      return true;
    }
  }
  return false;
}

bool ConnectionTable::Remove(unsigned worker, Connection* connection) {
  if (!Unlink(connection)) return false;
  Append(&parts_[worker]->open, connection);
  parts_[worker]->removed.Add(1);
  if (worker < journals_.size()) journals_[worker]->Closed(*connection);
  return true;
}

Connection* ConnectionTable::TakeFree() {
  const std::scoped_lock lock(free_lock_);
  Connection* entry = nullptr;
  if (!free_.empty()) {
    entry = &entries_[free_.head];
    free_.head = entry->link;
    --free_.count;
  } else {
    const uint32_t unused = high_water_.load(std::memory_order_relaxed);
    if (unused == config_.capacity) return nullptr;
    high_water_.store(unused + 1, std::memory_order_release);
    entry = &entries_[unused];
  }
  available_.fetch_sub(1, std::memory_order_relaxed);
  return entry;
}

unsigned ConnectionTable::RemoveSubject(SubjectRef subject) {
  const std::scoped_lock one_visitor(visitor_mutex_);
  List removed;
  quiescence_->GoOnline(visitor_reader_);
  const uint32_t used = high_water_.load(std::memory_order_acquire);
  for (uint32_t number = 0; number < used; ++number) {
    Connection& entry = entries_[number];
    if (number % 1024 == 0) quiescence_->Report(visitor_reader_);
    if (!entry.IsLive()) continue;
    if (entry.key.a.subject != subject && entry.key.b.subject != subject) continue;
    if (!Unlink(&entry)) continue;
    Append(&removed, &entry);
    if (!journals_.empty()) journals_.back()->Closed(entry);
  }
  quiescence_->GoOffline(visitor_reader_);
  if (!removed.empty()) quiescence_->Wait();
  GiveBack(removed);
  return removed.count;
}

std::optional<SubjectRef> ConnectionTable::FindSubject(std::string_view identity) const {
  if (identity.empty()) return std::nullopt;
  for (size_t slot = 1; slot < kMaxPorts; ++slot) {
    const SubjectRow& row = region_->subjects()[slot];
    if (row.identity() != identity || row.generation() == 0) continue;
    return SubjectRef{static_cast<uint16_t>(slot), row.generation()};
  }
  return std::nullopt;
}

void ConnectionTable::NameSubject(SubjectRef subject, std::string_view identity) {
  region_->subjects()[subject.port].Set(subject.generation, identity);
}

void ConnectionTable::Visit(const std::function<bool(const Connection&)>& visit) const {
  const std::scoped_lock one_visitor(visitor_mutex_);
  quiescence_->GoOnline(visitor_reader_);
  const uint32_t used = high_water_.load(std::memory_order_acquire);
  for (uint32_t number = 0; number < used; ++number) {
    if (number % 1024 == 0) quiescence_->Report(visitor_reader_);
    if (entries_[number].IsLive() && !visit(entries_[number])) break;
  }
  quiescence_->GoOffline(visitor_reader_);
}

uint64_t ConnectionTable::CreatedBy(unsigned worker) const {
  return parts_[worker]->created.Read();
}
uint64_t ConnectionTable::RemovedBy(unsigned worker) const {
  return parts_[worker]->removed.Read();
}
uint64_t ConnectionTable::EvictedBy(unsigned worker) const {
  return parts_[worker]->evicted.Read();
}
uint32_t ConnectionTable::size() const { return live_.load(std::memory_order_relaxed); }

}  // namespace sluice::dataplane
