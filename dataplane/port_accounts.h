// How many connections each port is charged with, how many it may have, and who pays for which.
//
// The limit is a dynamic threshold (Choudhury and Hahne): a port may hold up to P/(100-P) times as
// many entries as are left for all, P being the share in percent. With P = 50, a greedy port alone
// gets half of the table, n greedy ports get 1/(n+1) each, and as much stays free for everybody
// else. Whatever the others do, a port may hold the floor, an even split between all port slots.
//
// Any worker writes; all counters are relaxed, so that workers at the limit together may overshoot
// it by one connection each.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "dataplane/snapshot.h"

namespace sluice::dataplane {

class PortAccounts {
 public:
  // `share_percent`: 1 .. 100; 100 is no limit. Entries are numbered 0 .. capacity-1.
  PortAccounts(uint32_t capacity, unsigned share_percent)
      : share_percent_(share_percent),
        floor_(std::max<uint32_t>(capacity / kMaxPorts, 1)),
        payers_(std::make_unique<std::atomic<uint16_t>[]>(capacity)) {}

  // How many connections a port may have when `available` entries are left.
  uint32_t Limit(uint32_t available) const {
    if (share_percent_ >= 100) return UINT32_MAX;
    const uint64_t limit = uint64_t{available} * share_percent_ / (100 - share_percent_);
    return std::max(floor_, static_cast<uint32_t>(std::min<uint64_t>(limit, UINT32_MAX)));
  }
  uint32_t Charged(PortId port) const { return counts_[port].load(std::memory_order_relaxed); }

  // Release: who sees the payer of an entry sees the entry.
  void Charge(uint32_t entry, PortId port) {
    counts_[port].fetch_add(1, std::memory_order_relaxed);
    payers_[entry].store(static_cast<uint16_t>(port + 1), std::memory_order_release);
  }
  void Discharge(uint32_t entry, PortId port) {
    payers_[entry].store(kNobody, std::memory_order_release);
    counts_[port].fetch_sub(1, std::memory_order_relaxed);
  }

  bool Pays(PortId port, uint32_t entry) const {
    return payers_[entry].load(std::memory_order_acquire) == port + 1;
  }
  // The payer of `entry`, and false if there is none.
  bool Payer(uint32_t entry, PortId* port) const {
    const uint16_t payer = payers_[entry].load(std::memory_order_acquire);
    if (payer == kNobody) return false;
    *port = static_cast<PortId>(payer - 1);
    return true;
  }

 private:
  static constexpr uint16_t kNobody = 0;
  static_assert(kMaxPorts < UINT16_MAX);

  const unsigned share_percent_;
  const uint32_t floor_;
  std::array<std::atomic<uint32_t>, kMaxPorts> counts_{};
  std::unique_ptr<std::atomic<uint16_t>[]> payers_;  // by entry: port + 1, or kNobody
};

}  // namespace sluice::dataplane
