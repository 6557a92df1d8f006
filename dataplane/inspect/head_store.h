// Where heads are kept while they are not known, and until the receiver has them.
//
// A worker's own. Each head has a slot with a buffer, small at first and large when it grows, and
// with the packets that wait for it. Memory is taken when the first connection is looked into,
// which is the one time that a worker allocates here; untouched buffers take none. A port may have
// a quarter of each kind, so that one pod cannot take the others'.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/connection.h"
#include "dataplane/inspect/head_reader.h"
#include "dataplane/inspect/stream_head.h"

namespace sluice::dataplane {

inline constexpr size_t kSmallHead = 4096;  // octets
inline constexpr unsigned kMaxHeldPackets = 32;

struct HeadSlot {
  Connection* connection = nullptr;  // null: free
  uint32_t sequence = 0;             // the connection's when it was taken: another one is another's
  PortId port = kNoPort;             // that it is charged to
  PortId in_port = kNoPort;          // that its packets came in by
  bool large = false;
  bool alerted = false;   // told that it has a pattern
  bool scans = false;     // patterns are looked for until kSmallHead octets have been seen
  uint32_t place = 0;     // the store's
  uint32_t since_ms = 0;  // when what is to be judged next began to come
  uint32_t judged = 0;    // octets of the head that are
  StreamHead head;
  uint8_t held_count = 0;
  std::array<rte_mbuf*, kMaxHeldPackets> held;  // in the order in which they came

  bool IsOf(const Connection& other) const {
    return connection == &other && sequence == other.sequence.load(std::memory_order_relaxed);
  }
};

// The port that the initiator's packets come in by, and whose share its head is of.
struct HeadOwner {
  PortId in_port = kNoPort;
  PortId charged = kNoPort;
};

struct HeadStoreConfig {
  uint32_t small = 4096;  // heads
  uint32_t large = 512;
};

class HeadStore {
 public:
  explicit HeadStore(const HeadStoreConfig& config) : config_(config) {}
  ~HeadStore();  // frees what waits
  HeadStore(const HeadStore&) = delete;
  HeadStore& operator=(const HeadStore&) = delete;

  // Null: there is none. It may be of a connection that this entry was before (HeadSlot::IsOf).
  HeadSlot* Find(const Connection& connection);
  // A slot for a connection whose entry has none, with room for `octets`; null: the port's share,
  // or all, are in use.
  HeadSlot* Open(Connection& connection, const HeadOwner& owner, uint32_t first, uint64_t octets,
                 uint32_t now_ms);
  // Gives the slot's head room for `octets`, or as many as are ever kept. False: as Open's null.
  bool Grow(HeadSlot& slot, uint64_t octets);
  // The packets that wait must have been taken out.
  void Close(HeadSlot& slot);

  // Visits the slots in use one after the other, `budget` of them, and goes on there next time. The
  // visitor may close the one it visits.
  template <typename Visit>
  void Sweep(unsigned budget, Visit&& visit) {
    for (; budget > 0 && !in_use_.empty(); --budget) {
      if (cursor_ >= in_use_.size()) cursor_ = 0;
      const size_t before = in_use_.size();
      visit(slots_[in_use_[cursor_]]);
      if (in_use_.size() == before) ++cursor_;  // else another one has come to this place
    }
  }
  size_t used() const { return in_use_.size(); }

 private:
  static constexpr unsigned kPartsOfShare = 4;

  void Allocate();
  std::span<uint8_t> TakeBuffer(bool large, PortId port);
  void GiveBuffer(std::span<uint8_t> buffer, bool large, PortId port);

  // Buffers of one size.
  struct Kind {
    std::unique_ptr<uint8_t[]> memory;
    std::vector<uint32_t> free;  // never grows
    uint32_t share = 0;          // of a port
    std::array<uint32_t, kMaxPorts> charged{};
  };
  static constexpr size_t SizeOf(bool large) { return large ? HeadReader::kMaxHead : kSmallHead; }

  const HeadStoreConfig config_;
  std::array<Kind, 2> kinds_;  // small, large
  std::vector<HeadSlot> slots_;
  std::vector<uint32_t> free_slots_;  // never grows
  std::vector<uint32_t> in_use_;      // never grows
  absl::flat_hash_map<const Connection*, uint32_t> by_connection_;
  size_t cursor_ = 0;  // in in_use_
};

}  // namespace sluice::dataplane
