#include "control/port_places.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace sluice::control {
namespace {

std::vector<size_t> Loads(const PortPlaces& places, const Workers& workers) {
  std::vector<size_t> loads(workers.count);
  for (const auto& [name, place] : places) ++loads[place.worker];
  return loads;
}

}  // namespace

unsigned LeastLoadedWorker(const PortPlaces& places, const Workers& workers) {
  const std::vector<size_t> loads = Loads(places, workers);
  unsigned least = workers.count;
  for (unsigned worker = 0; worker < workers.count; ++worker) {
    if (workers.at_rest.contains(worker)) continue;
    if (least == workers.count || loads[worker] < loads[least]) least = worker;
  }
  return least;
}

void GiveShare(unsigned worker, const Workers& workers, PortPlaces& places) {
  const size_t share = places.size() / workers.at_work();
  std::vector<size_t> loads = Loads(places, workers);
  while (loads[worker] < share) {
    const auto most = static_cast<unsigned>(std::ranges::max_element(loads) - loads.begin());
    const auto taken = std::ranges::find_if(
        places, [most](const auto& place) { return place.second.worker == most; });
    taken->second.worker = worker;
    --loads[most];
    ++loads[worker];
  }
}

void GiveAway(unsigned worker, const Workers& workers, PortPlaces& places) {
  for (auto& [name, place] : places) {
    if (place.worker == worker) place.worker = LeastLoadedWorker(places, workers);
  }
}

}  // namespace sluice::control
