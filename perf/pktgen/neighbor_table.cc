#include "perf/pktgen/neighbor_table.h"

#include <algorithm>
#include <utility>

namespace sluice::pktgen {

std::optional<MacAddress> NeighborTable::Find(const IpAddress& address) const {
  const auto it = entries_.find(address);
  return it == entries_.end() ? std::nullopt : it->second.mac;
}

bool NeighborTable::ShouldQuery(const IpAddress& address, uint64_t now_ns) {
  Entry& entry = entries_[address];
  if (entry.mac) return false;
  if (entry.queried_ns && now_ns - *entry.queried_ns < kQueryIntervalNs) return false;
  entry.queried_ns = now_ns;
  return true;
}

void NeighborTable::Wait(const IpAddress& address, Frame frame, uint64_t now_ns) {
  Entry& entry = entries_[address];
  if (entry.waiting.empty()) entry.waiting_since_ns = now_ns;
  if (entry.waiting.size() < kMaxWaiting) entry.waiting.push_back(std::move(frame));
}

std::vector<Frame> NeighborTable::Learn(const IpAddress& address, const MacAddress& mac) {
  Entry& entry = entries_[address];
  entry.mac = mac;
  std::vector<Frame> ready = std::exchange(entry.waiting, {});
  for (Frame& frame : ready) std::copy(mac.bytes.begin(), mac.bytes.end(), frame.begin());
  return ready;
}

std::vector<IpAddress> NeighborTable::Wanted(uint64_t now_ns) {
  std::vector<IpAddress> wanted;
  for (auto& [address, entry] : entries_) {
    if (entry.waiting.empty()) continue;
    if (now_ns - entry.waiting_since_ns >= kGiveUpNs) {
      entry.waiting.clear();
    } else {
      wanted.push_back(address);
    }
  }
  return wanted;
}

}  // namespace sluice::pktgen
