#include "dataplane/port_moves.h"

#include <algorithm>
#include <vector>

namespace sluice::dataplane {
namespace {

constexpr size_t kNobody = SIZE_MAX;

std::vector<size_t> WorkerByPort(const Snapshot& snapshot) {
  std::vector<size_t> workers(kMaxPorts, kNobody);
  for (size_t worker = 0; worker < snapshot.polled.size(); ++worker) {
    for (const PortId port : snapshot.polled[worker]) workers[port] = worker;
  }
  return workers;
}

}  // namespace

std::unique_ptr<const Snapshot> WithoutMovingPorts(const Snapshot& before, const Snapshot& next) {
  const std::vector<size_t> from = WorkerByPort(before);
  const auto moves = [&from](PortId port, size_t to) {
    return from[port] != kNobody && from[port] != to;
  };
  bool any = false;
  for (size_t worker = 0; worker < next.polled.size(); ++worker) {
    for (const PortId port : next.polled[worker]) any = any || moves(port, worker);
  }
  if (!any) return nullptr;
  auto between = std::make_unique<Snapshot>(next);
  for (size_t worker = 0; worker < between->polled.size(); ++worker) {
    std::erase_if(between->polled[worker], [&](PortId port) { return moves(port, worker); });
  }
  return between;
}

}  // namespace sluice::dataplane
