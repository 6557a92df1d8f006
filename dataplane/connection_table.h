// Every tracked connection of the switch: fixed capacity, lock-free look-ups, rare-path locks.
//
//   region:  | header | buckets: 8 tags + 8 entry numbers, one cache line each | entries |
//
// A hash picks two buckets; an entry is in one of them and never moves, so a reader needs no retry.
// Slots are at least twice the capacity, which keeps both buckets from being full. Writers lock the
// two buckets. A removed entry is used again only after a grace period: a reader may hold a
// Connection* until it next reports quiescence. Nothing is allocated after Create, and the region
// holds no pointer: lists of free and retired entries run through the entries by number.
//
// The hash is XXH3 with a random seed, because pods choose their 5-tuples.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "dataplane/connection.h"
#include "dataplane/packet.h"
#include "dataplane/quiescence.h"
#include "dataplane/spin_lock.h"
#include "dataplane/tracking.h"

namespace sluice::dataplane {

class ConnectionTable {
 public:
  // `capacity`: 16 .. 2^26. `workers` as in `quiescence`, which must outlive the table. Errors:
  // InvalidArgument, ResourceExhausted (no memory for the region).
  static absl::StatusOr<std::unique_ptr<ConnectionTable>> Create(uint32_t capacity,
                                                                 unsigned workers,
                                                                 Quiescence* quiescence);
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // How connections are followed and when they age. Before any worker runs.
  void set_tracking(const Tracking& tracking) { tracking_ = tracking; }
  const Tracking& tracking() const { return tracking_; }

  uint64_t Hash(const ConnectionKey& key) const;

  // Sets `connection` of every packet in `wanted` from its `key` and `hash`; null if there is none.
  void LookupBurst(std::span<Packet* const> wanted) const;
  Connection* Lookup(const ConnectionKey& key, uint64_t hash) const;

  struct Inserted {
    Connection* connection;  // null: the table is full
    bool created;            // false: it was there already
  };
  // Finds the connection or makes one, with both halves idle. Called by `worker`.
  Inserted FindOrInsert(unsigned worker, const ConnectionKey& key, uint64_t hash,
                        bool initiator_is_b, uint32_t verdict_epoch, uint32_t now_ms);

  // Takes `connection` out; later look-ups do not find it. False if another worker was faster.
  bool Remove(unsigned worker, Connection* connection);

  // Looks at up to `budget` entries of the worker's share, removes those past their timeout, and
  // gives entries whose grace period is over back. Returns how many it removed.
  unsigned Age(unsigned worker, uint32_t now_ms, unsigned budget);

  // Removes every connection of one subject. From the control thread, not a worker.
  unsigned RemoveSubject(SubjectRef subject);

  // Visits live entries until `visit` returns false. Any thread that is not a worker.
  void Visit(const std::function<bool(const Connection&)>& visit) const;

  uint32_t size() const;
  uint64_t CreatedBy(unsigned worker) const;
  uint64_t RemovedBy(unsigned worker) const;  // without RemoveSubject's
  uint32_t capacity() const { return capacity_; }

 private:
  struct Bucket;
  struct List;   // of entries, linked by Connection::next
  struct Share;  // a worker's own: what it removed and not yet gave back, where its ageing stands
  ConnectionTable(uint32_t capacity, unsigned workers, Quiescence* quiescence);

  absl::Status MapRegion();
  Bucket& Primary(uint64_t hash) const;
  Bucket& Secondary(uint64_t hash) const;
  Connection* FindIn(const Bucket& bucket, const ConnectionKey& key, uint64_t hash) const;
  bool Unlink(Connection* connection);
  Connection* TakeFree();
  void GiveBack(const List& list);
  void MoveRetired(unsigned worker);
  void Append(List* list, Connection* connection) const;

  const uint32_t capacity_;
  Quiescence* const quiescence_;
  const unsigned visitor_reader_;  // quiescence slot of RemoveSubject and Visit
  Tracking tracking_;
  uint64_t seed_ = 0;
  uint64_t bucket_mask_ = 0;
  size_t region_bytes_ = 0;
  std::byte* region_ = nullptr;
  Bucket* buckets_ = nullptr;
  Connection* entries_ = nullptr;

  SpinLock free_lock_;          // guards free_
  std::unique_ptr<List> free_;  // entries given back
  std::atomic<uint32_t> high_water_{
      0};  // entries at or above were never used; grows under free_lock_
  std::atomic<uint32_t> live_{0};
  std::vector<std::unique_ptr<Share>> shares_;  // by worker, written by that worker only
  mutable std::mutex visitor_mutex_;            // one visitor at a time
};

}  // namespace sluice::dataplane
