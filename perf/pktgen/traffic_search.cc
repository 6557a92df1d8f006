#include "perf/pktgen/traffic_search.h"

namespace sluice::pktgen {

TrafficSearch::Found TrafficSearch::Run() const {
  Found found;
  double low = 0, high = most_pps;
  double rate = most_pps;
  while (high - low > precision * most_pps) {
    const TrafficTrial done = trial(rate);
    ++found.trials;
    if (done.loss < loss) {
      if (done.rate_pps > found.best.rate_pps) found.best = done;
      low = rate;
    } else {
      high = rate;
    }
    rate = (low + high) / 2;
  }
  return found;
}

}  // namespace sluice::pktgen
