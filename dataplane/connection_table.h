// Every tracked connection of the switch: fixed capacity, lock-free look-ups, rare-path locks.
//
// A hash picks two buckets; an entry is in one of them and never moves, so a reader needs no retry.
// Slots are at least twice the capacity, which keeps both buckets from being full. Writers lock the
// two buckets. A removed entry is used again only after a grace period: a reader may hold a
// Connection* until it next reports quiescence. Nothing is allocated after Create, and the region
// (connection_region.h) holds no pointer: lists of free and retired entries run through the entries
// by number. A process may take over the region that another one left: connection_takeover.cc.
//
// No port fills the table: each has a share (port_accounts.h), and what nobody has answered makes
// room for the rest (connection_reclaim.cc).
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
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/connection.h"
#include "dataplane/connection_region.h"
#include "dataplane/packet.h"
#include "dataplane/port_accounts.h"
#include "dataplane/quiescence.h"
#include "dataplane/spin_lock.h"
#include "dataplane/tally.h"
#include "dataplane/tracking.h"

namespace sluice::dataplane {

struct ConnectionTableConfig {
  uint32_t capacity = 1u << 20;  // 16 .. 2^26
  unsigned workers = 1;          // as in the Quiescence
  unsigned port_share = 50;      // percent, 1 .. 100: see port_accounts.h
  std::string file;              // see ConnectionRegion::Map
  // Now, by the clock that every later now_ms is of, and by the wall clock.
  uint32_t now_ms = 0;
  uint64_t wall_ms = 0;
  Tracking tracking;  // how connections are followed, and when they age
};

class ConnectionTable {
 public:
  // `quiescence` must outlive the table. Connections that are found in the file live on, each to be
  // judged again at its next packet. Errors: InvalidArgument, those of ConnectionRegion::Map.
  static absl::StatusOr<std::unique_ptr<ConnectionTable>> Create(
      const ConnectionTableConfig& config, Quiescence* quiescence);
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // Whom to tell of removals: by worker, and last of all who calls RemoveSubject. They outlive the
  // table's use; before the first packet.
  void SetJournals(std::vector<Journal*> journals) { journals_ = std::move(journals); }

  uint64_t Hash(const ConnectionKey& key) const;

  // Sets `hash` and `connection` of every packet in `wanted` from its `key`; null if there is none.
  void LookupBurst(std::span<Packet* const> wanted) const;
  Connection* Lookup(const ConnectionKey& key, uint64_t hash) const;

  struct Inserted {
    Connection* connection;  // null: refused
    bool created;            // false: it was there already
    DropReason refused;      // kNone, kTableFull or kPortShare
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

  // Who port slots were given to, this process' and the one's before. Control thread.
  std::optional<SubjectRef> FindSubject(std::string_view identity) const;
  const SubjectRow& subject(PortId slot) const { return region_->subjects()[slot]; }
  // From now on `subject` is `identity`'s; empty or too long: nobody's, after a restart.
  void NameSubject(SubjectRef subject, std::string_view identity);

  // Visits live entries until `visit` returns false. Any thread that is not a worker.
  void Visit(const std::function<bool(const Connection&)>& visit) const;

  uint32_t size() const;
  uint32_t ChargedTo(PortId port) const { return accounts_.Charged(port); }
  uint64_t CreatedBy(unsigned worker) const;
  uint64_t RemovedBy(unsigned worker) const;  // without RemoveSubject's
  uint64_t EvictedBy(unsigned worker) const;  // of them, to make room
  uint32_t capacity() const { return config_.capacity; }
  const Tracking& tracking() const { return config_.tracking; }

 private:
  // Of entries, linked by Connection::link.
  struct List {
    static constexpr uint32_t kEnd = UINT32_MAX;
    uint32_t head = kEnd;
    uint32_t tail = kEnd;
    uint32_t count = 0;
    bool empty() const { return count == 0; }
  };
  // A worker's own. Entries that it removed wait in `open` until `closed` is through its grace
  // period, then become the next `closed`.
  struct alignas(64) WorkerPart {
    List open;
    List closed;
    uint64_t token = 0;
    uint32_t age_cursor = 0;
    uint32_t eviction_cursor = 0;
    Counter created, removed, evicted;
  };
  struct Found {  // in another process' region
    uint32_t kept = 0, torn = 0, damaged = 0, expired = 0, orphaned = 0;
  };

  ConnectionTable(const ConnectionTableConfig& config, std::unique_ptr<ConnectionRegion> region,
                  Quiescence* quiescence);

  ConnectionBucket& Primary(uint64_t hash) const { return buckets_[hash & bucket_mask_]; }
  ConnectionBucket& Secondary(uint64_t hash) const { return buckets_[(hash >> 24) & bucket_mask_]; }
  uint32_t NumberOf(const Connection& entry) const {
    return static_cast<uint32_t>(&entry - entries_);
  }
  Connection* FindIn(const ConnectionBucket& bucket, const ConnectionKey& key, uint64_t hash) const;
  // The first entry that the bucket's tags say may be the key's.
  Connection* Candidate(const ConnectionBucket& bucket, uint64_t hash) const;
  bool Unlink(Connection* connection);
  Connection* TakeFree();

  // connection_reclaim.cc
  DropReason MakeRoom(unsigned worker, PortId port);
  bool Evict(unsigned worker, PortId port, uint32_t first, uint32_t window);
  bool EvictOwn(unsigned worker, PortId port);
  void EvictWorst(unsigned worker, PortId beneficiary);
  uint32_t NextWindow(unsigned worker, uint32_t* first);
  void GiveBack(const List& list);
  void MoveRetired(unsigned worker);
  void Append(List* list, Connection* connection) const;

  // connection_takeover.cc
  void TakeOver();
  void Judge(Connection& entry, uint32_t down_ms, Found* found);
  bool HasSubjects(const ConnectionKey& key) const;
  bool Relink(Connection& entry, uint64_t hash);

  const ConnectionTableConfig config_;
  const std::unique_ptr<ConnectionRegion> region_;
  Quiescence* const quiescence_;
  const unsigned visitor_reader_;  // quiescence slot of RemoveSubject and Visit
  const uint64_t seed_;
  const uint64_t bucket_mask_;
  ConnectionBucket* const buckets_;
  Connection* const entries_;
  PortAccounts accounts_;

  SpinLock free_lock_;                   // guards free_
  List free_;                            // entries given back
  std::atomic<uint32_t> high_water_{0};  // entries from here on were never used; free_lock_'s
  std::atomic<uint32_t> available_;      // free or never used
  std::atomic<uint32_t> live_{0};
  std::vector<Journal*> journals_;
  std::vector<std::unique_ptr<WorkerPart>> parts_;  // by worker, written by that worker only
  mutable std::mutex visitor_mutex_;                // one visitor at a time
};

}  // namespace sluice::dataplane
