// How many packets policy refused, by port, reason and deciding rule.
//
// One per worker, of fixed size: a small open-addressed table that only its worker writes and
// anyone reads. What finds no room is not counted in here, only under its reason in PortTally;
// whoever shows both calls the rest unattributed. Touched by refused packets only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/denial.h"

namespace sluice::dataplane {

class DenialTally {
 public:
  static constexpr unsigned kSlots = 4096;
  static constexpr unsigned kProbes = 16;

  // `ports` are the ones in force: counts of ports that are gone make room.
  void Add(const Denial& denial, const std::vector<PortView>& ports);

  // Calls visit(denial, packets) for what was counted so far. Any thread.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const Slot& slot : slots_) {
      const uint64_t key = slot.key.load(std::memory_order_acquire);
      if (key == 0) continue;
      const uint64_t packets = slot.packets.load(std::memory_order_acquire);
      if (slot.key.load(std::memory_order_relaxed) != key) continue;  // another took its place
      visit(Unpack(key), packets);
    }
  }

 private:
  struct Slot {
    std::atomic<uint64_t> key{0};  // 0: free
    std::atomic<uint64_t> packets{0};
  };

  static uint64_t Pack(const Denial& denial);
  static Denial Unpack(uint64_t key);
  Slot* Find(uint64_t key, const std::vector<PortView>& ports);

  std::array<Slot, kSlots> slots_;
};

}  // namespace sluice::dataplane
