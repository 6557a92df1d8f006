#include "dataplane/connection_table.h"

#include <fmt/core.h>
#include <rte_prefetch.h>
#include <sys/mman.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "dataplane/tally.h"

namespace sluice::dataplane {
namespace {

constexpr unsigned kSlots = 8;
constexpr uint64_t kTagLanes = 0x0001'0001'0001'0001;

// The region starts with this; a process that takes the region over checks all of it.
struct Header {
  uint64_t magic;
  uint32_t version;
  uint32_t layout;  // sizes of the structures in here
  uint32_t capacity;
  uint32_t bucket_count;
  uint64_t seed;
};
constexpr size_t kHeaderBytes = 4096;
constexpr uint64_t kMagic = 0x656c'6261'7463'6c73;  // "slctable"
constexpr uint32_t kVersion = 1;

// Sixteen bits of the hash that are not the bucket's; never 0, which is an empty slot.
uint16_t TagOf(uint64_t hash) { return static_cast<uint16_t>((hash >> 48) | 1); }

// A word's 16-bit lanes that equal `tag`, as their top bits. A lane above a match may be reported
// wrongly; the key decides.
uint64_t MatchLanes(uint64_t tags, uint16_t tag) {
  const uint64_t difference = tags ^ (kTagLanes * tag);
  return (difference - kTagLanes) & ~difference & (kTagLanes << 15);
}

}  // namespace

struct alignas(64) ConnectionTable::Bucket {
  std::atomic<uint64_t> tags[2];  // four 16-bit lanes each; 0: empty
  std::atomic<uint32_t> entries[kSlots];
  SpinLock lock;

  unsigned Used() const {
    unsigned used = 0;
    for (unsigned slot = 0; slot < kSlots; ++slot) used += TagAt(slot) != 0 ? 1 : 0;
    return used;
  }
  uint16_t TagAt(unsigned slot) const {
    return static_cast<uint16_t>(tags[slot / 4].load(std::memory_order_relaxed) >> (slot % 4 * 16));
  }
  // Under the lock. Release: whoever sees the tag sees the entry it stands for.
  void SetTag(unsigned slot, uint16_t tag) {
    const unsigned shift = slot % 4 * 16;
    uint64_t word = tags[slot / 4].load(std::memory_order_relaxed);
    word = (word & ~(uint64_t{0xffff} << shift)) | (uint64_t{tag} << shift);
    tags[slot / 4].store(word, std::memory_order_release);
  }
};

struct ConnectionTable::List {
  static constexpr uint32_t kEnd = UINT32_MAX;
  uint32_t head = kEnd;
  uint32_t tail = kEnd;
  bool empty() const { return head == kEnd; }
};

// Entries wait in `open` until `closed` is through its grace period, then become the next `closed`.
struct ConnectionTable::Share {
  List open;
  List closed;
  uint64_t token = 0;
  uint32_t age_cursor = 0;
  Counter created, removed;
};

ConnectionTable::ConnectionTable(uint32_t capacity, unsigned workers, Quiescence* quiescence)
    : capacity_(capacity),
      quiescence_(quiescence),
      visitor_reader_(workers),
      free_(std::make_unique<List>()) {
  static_assert(sizeof(Bucket) == 64);
  for (unsigned worker = 0; worker < workers; ++worker) {
    shares_.push_back(std::make_unique<Share>());
  }
}

ConnectionTable::~ConnectionTable() {
  if (region_ != nullptr) munmap(region_, region_bytes_);
}

absl::StatusOr<std::unique_ptr<ConnectionTable>> ConnectionTable::Create(uint32_t capacity,
                                                                         unsigned workers,
                                                                         Quiescence* quiescence) {
  if (capacity < 16 || capacity > (1u << 26)) {
    return absl::InvalidArgumentError(
        fmt::format("connections: capacity {} is not between 16 and {}", capacity, 1u << 26));
  }
  std::unique_ptr<ConnectionTable> table(new ConnectionTable(capacity, workers, quiescence));
  if (absl::Status mapped = table->MapRegion(); !mapped.ok()) return mapped;
  return table;
}

absl::Status ConnectionTable::MapRegion() {
  const uint32_t bucket_count = std::bit_ceil(capacity_ * 2 / kSlots);
  const size_t bucket_bytes = size_t{bucket_count} * sizeof(Bucket);
  region_bytes_ = kHeaderBytes + bucket_bytes + size_t{capacity_} * sizeof(Connection);
  void* region = mmap(nullptr, region_bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (region == MAP_FAILED) {
    return absl::ResourceExhaustedError(fmt::format(
        "connections: no memory for {} entries ({} MiB)", capacity_, region_bytes_ >> 20));
  }
  madvise(region, region_bytes_, MADV_HUGEPAGE);  // fewer TLB misses where the kernel grants it

  // All-zero bytes are empty buckets and dead entries: nothing is touched before it is used.
  region_ = static_cast<std::byte*>(region);
  buckets_ = reinterpret_cast<Bucket*>(region_ + kHeaderBytes);
  entries_ = reinterpret_cast<Connection*>(region_ + kHeaderBytes + bucket_bytes);
  bucket_mask_ = bucket_count - 1;
  std::random_device random;
  seed_ = (uint64_t{random()} << 32) | random();
  new (region_) Header{kMagic,    kVersion,     sizeof(Bucket) << 16 | sizeof(Connection),
                       capacity_, bucket_count, seed_};
  return absl::OkStatus();
}

uint64_t ConnectionTable::Hash(const ConnectionKey& key) const {
  return XXH3_64bits_withSeed(&key, sizeof(key), seed_);
}

ConnectionTable::Bucket& ConnectionTable::Primary(uint64_t hash) const {
  return buckets_[hash & bucket_mask_];
}

ConnectionTable::Bucket& ConnectionTable::Secondary(uint64_t hash) const {
  return buckets_[(hash >> 24) & bucket_mask_];
}

Connection* ConnectionTable::FindIn(const Bucket& bucket, const ConnectionKey& key,
                                    uint64_t hash) const {
  for (unsigned half = 0; half < 2; ++half) {
    uint64_t lanes = MatchLanes(bucket.tags[half].load(std::memory_order_acquire), TagOf(hash));
    for (; lanes != 0; lanes &= lanes - 1) {
      const unsigned slot = half * 4 + static_cast<unsigned>(std::countr_zero(lanes)) / 16;
      Connection& entry = entries_[bucket.entries[slot].load(std::memory_order_acquire)];
      if (bucket.TagAt(slot) == TagOf(hash) && entry.key == key) return &entry;
    }
  }
  return nullptr;
}

Connection* ConnectionTable::Lookup(const ConnectionKey& key, uint64_t hash) const {
  Connection* found = FindIn(Primary(hash), key, hash);
  return found != nullptr ? found : FindIn(Secondary(hash), key, hash);
}

void ConnectionTable::LookupBurst(std::span<Packet* const> wanted) const {
  for (const Packet* packet : wanted) rte_prefetch0(&Primary(packet->hash));
  for (const Packet* packet : wanted) {
    const Bucket& bucket = Primary(packet->hash);
    for (unsigned half = 0; half < 2; ++half) {
      const uint64_t lanes =
          MatchLanes(bucket.tags[half].load(std::memory_order_acquire), TagOf(packet->hash));
      if (lanes == 0) continue;
      const unsigned slot = half * 4 + static_cast<unsigned>(std::countr_zero(lanes)) / 16;
      const Connection& entry = entries_[bucket.entries[slot].load(std::memory_order_acquire)];
      rte_prefetch0(&entry);
      rte_prefetch0(&entry.Sent(packet->from_b));
    }
  }
  for (Packet* packet : wanted) packet->connection = Lookup(packet->key, packet->hash);
}

ConnectionTable::Inserted ConnectionTable::FindOrInsert(unsigned worker, const ConnectionKey& key,
                                                        uint64_t hash, bool initiator_is_b,
                                                        uint32_t verdict_epoch, uint32_t now_ms) {
  Bucket* first = &Primary(hash);
  Bucket* second = &Secondary(hash);
  if (second < first) std::swap(first, second);  // one order for all writers
  const std::scoped_lock lock_first(first->lock);
  std::unique_lock<SpinLock> lock_second;
  if (second != first) lock_second = std::unique_lock(second->lock);

  if (Connection* found = Lookup(key, hash)) return {found, false};
  Bucket& roomier = first->Used() <= second->Used() ? *first : *second;
  unsigned slot = 0;
  while (slot < kSlots && roomier.TagAt(slot) != 0) ++slot;
  if (slot == kSlots) return {nullptr, false};
  MoveRetired(worker);
  Connection* entry = TakeFree();
  if (entry == nullptr) return {nullptr, false};

  entry->key = key;
  entry->initiator_is_b = initiator_is_b;
  entry->verdict_epoch.store(verdict_epoch, std::memory_order_relaxed);
  for (Half& half : entry->halves) half.Reset(now_ms);
  entry->sequence.fetch_add(1, std::memory_order_release);  // odd: live
  roomier.entries[slot].store(static_cast<uint32_t>(entry - entries_), std::memory_order_release);
  roomier.SetTag(slot, TagOf(hash));
  live_.fetch_add(1, std::memory_order_relaxed);
  shares_[worker]->created.Add(1);
  return {entry, true};
}

bool ConnectionTable::Unlink(Connection* connection) {
  const uint64_t hash = Hash(connection->key);
  const uint32_t index = static_cast<uint32_t>(connection - entries_);
  Bucket* candidates[2] = {&Primary(hash), &Secondary(hash)};
  for (Bucket* bucket : candidates) {
    const std::scoped_lock lock(bucket->lock);
    for (unsigned slot = 0; slot < kSlots; ++slot) {
      if (bucket->TagAt(slot) == 0) continue;
      if (bucket->entries[slot].load(std::memory_order_relaxed) != index) continue;
      connection->sequence.fetch_add(1, std::memory_order_release);  // even: dead
      bucket->SetTag(slot, 0);
      live_.fetch_sub(1, std::memory_order_relaxed);
      return true;
    }
  }
  return false;
}

void ConnectionTable::Append(List* list, Connection* connection) const {
  const uint32_t index = static_cast<uint32_t>(connection - entries_);
  connection->next = List::kEnd;
  if (list->empty()) {
    list->head = index;
  } else {
    entries_[list->tail].next = index;
  }
  list->tail = index;
}

bool ConnectionTable::Remove(unsigned worker, Connection* connection) {
  if (!Unlink(connection)) return false;
  Append(&shares_[worker]->open, connection);
  shares_[worker]->removed.Add(1);
  return true;
}

Connection* ConnectionTable::TakeFree() {
  const std::scoped_lock lock(free_lock_);
  if (!free_->empty()) {
    Connection* entry = &entries_[free_->head];
    free_->head = entry->next;
    return entry;
  }
  const uint32_t unused = high_water_.load(std::memory_order_relaxed);
  if (unused == capacity_) return nullptr;
  high_water_.store(unused + 1, std::memory_order_release);
  return &entries_[unused];
}

void ConnectionTable::GiveBack(const List& list) {
  if (list.empty()) return;
  const std::scoped_lock lock(free_lock_);
  entries_[list.tail].next = free_->head;
  free_->head = list.head;
}

void ConnectionTable::MoveRetired(unsigned worker) {
  Share& own = *shares_[worker];
  if (!own.closed.empty()) {
    if (!quiescence_->Passed(own.token)) return;
    GiveBack(own.closed);
    own.closed = {};
  }
  if (own.open.empty()) return;
  own.closed = own.open;
  own.open = {};
  own.token = quiescence_->Start();
}

unsigned ConnectionTable::Age(unsigned worker, uint32_t now_ms, unsigned budget) {
  MoveRetired(worker);
  Share& own = *shares_[worker];
  const uint32_t used = high_water_.load(std::memory_order_acquire);
  const auto share = static_cast<uint32_t>(shares_.size());
  unsigned removed = 0;
  for (unsigned looked = 0; looked < budget && looked * share < used; ++looked) {
    // Worker w looks at entries w, w + share, w + 2 share, ...
    uint64_t index = uint64_t{own.age_cursor++} * share + worker;
    if (index >= used) {
      own.age_cursor = 1;
      index = worker;
      if (index >= used) return removed;
    }
    Connection& entry = entries_[index];
    if ((entry.sequence.load(std::memory_order_acquire) & 1) == 0) continue;
    if (IdleMs(entry, now_ms) < tracking_.Timeout(StateOf(entry))) continue;
    removed += Remove(worker, &entry) ? 1 : 0;
  }
  return removed;
}

unsigned ConnectionTable::RemoveSubject(SubjectRef subject) {
  const std::scoped_lock one_visitor(visitor_mutex_);
  List removed;
  unsigned count = 0;
  quiescence_->GoOnline(visitor_reader_);
  const uint32_t used = high_water_.load(std::memory_order_acquire);
  for (uint32_t index = 0; index < used; ++index) {
    Connection& entry = entries_[index];
    if (index % 1024 == 0) quiescence_->Report(visitor_reader_);
    if ((entry.sequence.load(std::memory_order_acquire) & 1) == 0) continue;
    if (entry.key.a.subject != subject && entry.key.b.subject != subject) continue;
    if (!Unlink(&entry)) continue;
    Append(&removed, &entry);
    ++count;
  }
  quiescence_->GoOffline(visitor_reader_);
  if (count > 0) quiescence_->Wait();
  GiveBack(removed);
  return count;
}

void ConnectionTable::Visit(const std::function<bool(const Connection&)>& visit) const {
  const std::scoped_lock one_visitor(visitor_mutex_);
  quiescence_->GoOnline(visitor_reader_);
  const uint32_t used = high_water_.load(std::memory_order_acquire);
  for (uint32_t index = 0; index < used; ++index) {
    if (index % 1024 == 0) quiescence_->Report(visitor_reader_);
    const Connection& entry = entries_[index];
    if ((entry.sequence.load(std::memory_order_acquire) & 1) == 0) continue;
    if (!visit(entry)) break;
  }
  quiescence_->GoOffline(visitor_reader_);
}

uint64_t ConnectionTable::CreatedBy(unsigned worker) const {
  return shares_[worker]->created.Read();
}
uint64_t ConnectionTable::RemovedBy(unsigned worker) const {
  return shares_[worker]->removed.Read();
}
uint32_t ConnectionTable::size() const { return live_.load(std::memory_order_relaxed); }

}  // namespace sluice::dataplane
