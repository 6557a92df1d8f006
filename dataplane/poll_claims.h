// A port's rings have one reader. Every poll is held against that: a worker that meets another one
// in the same port ends the process, for what comes out of such rings is anything.
//
// Switch::Publish keeps workers apart when ports move (port_moves.h); this catches who does not.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/snapshot.h"

namespace sluice::dataplane {

class PollClaims {
 public:
  // `worker` reads `port` until Leave. Two relaxed stores and loads on a line of the port's own.
  void Enter(PortId port, unsigned worker) {
    std::atomic<uint32_t>& reader = claims_[port].reader;
    if (reader.load(std::memory_order_relaxed) != kNobody) TwoReaders(port, worker);
    reader.store(worker, std::memory_order_relaxed);
  }
  void Leave(PortId port, unsigned worker) {
    std::atomic<uint32_t>& reader = claims_[port].reader;
    if (reader.load(std::memory_order_relaxed) != worker) TwoReaders(port, worker);
    reader.store(kNobody, std::memory_order_relaxed);
  }

 private:
  static constexpr uint32_t kNobody = UINT32_MAX;
  struct alignas(64) Claim {
    std::atomic<uint32_t> reader{kNobody};
  };
  [[noreturn]] static void TwoReaders(PortId port, unsigned worker);

  std::array<Claim, kMaxPorts> claims_;
};

}  // namespace sluice::dataplane
