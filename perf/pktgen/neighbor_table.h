// Which MAC an address has, and the frames that wait to know.
//
// Says when to ask; HostStack asks. Entries do not age: what is learnt later replaces what was
// known.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <optional>
#include <vector>

#include "perf/pktgen/frame.h"

namespace sluice::pktgen {

class NeighborTable {
 public:
  static constexpr uint64_t kQueryIntervalNs = 200'000'000;
  static constexpr uint64_t kGiveUpNs = 3'000'000'000;  // then waiting frames are dropped
  static constexpr size_t kMaxWaiting = 64;             // frames for each address; more are dropped

  std::optional<MacAddress> Find(const IpAddress& address) const;

  // True if it is time to ask for the unknown `address`; counts as asked.
  bool ShouldQuery(const IpAddress& address, uint64_t now_ns);

  // Keeps `frame`, whose destination MAC is still to be filled in, until `address` is known.
  void Wait(const IpAddress& address, Frame frame, uint64_t now_ns);

  // Returns the frames that waited for `address`, ready to be sent.
  std::vector<Frame> Learn(const IpAddress& address, const MacAddress& mac);

  // Drops frames that waited too long; returns the addresses that frames still wait for.
  std::vector<IpAddress> Wanted(uint64_t now_ns);

 private:
  struct Entry {
    std::optional<MacAddress> mac;
    std::optional<uint64_t> queried_ns;
    uint64_t waiting_since_ns = 0;
    std::vector<Frame> waiting;
  };
  absl::flat_hash_map<IpAddress, Entry> entries_;
};

}  // namespace sluice::pktgen
