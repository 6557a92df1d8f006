#include "perf/pktgen/traffic_order.h"

#include <algorithm>
#include <cmath>

namespace sluice::pktgen {

// Which flow is the most popular one is drawn too: neighbours in number are neighbours in ports.
TrafficOrder::TrafficOrder(const Config& config, uint64_t seed)
    : config_(config), next_new_(config.next_new) {
  if (config.zipf == 0) return;
  std::mt19937_64 random(seed);
  std::vector<double> sums(config.flows);
  double sum = 0;
  for (uint32_t rank = 0; rank < config.flows; ++rank) {
    sum += std::pow(rank + 1, -config.zipf);
    sums[rank] = sum;
  }
  std::vector<uint32_t> by_rank(config.flows);
  for (uint32_t flow = 0; flow < config.flows; ++flow) by_rank[flow] = flow;
  std::ranges::shuffle(by_rank, random);
  std::uniform_real_distribution<double> draw(0, sum);
  drawn_.resize(kDrawn);
  for (uint32_t& flow : drawn_) {
    const auto at = std::ranges::upper_bound(sums, draw(random)) - sums.begin();
    flow = by_rank[std::min<size_t>(static_cast<size_t>(at), config.flows - 1)];
  }
}

}  // namespace sluice::pktgen
