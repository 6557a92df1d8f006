#include "dataplane/needs_verdict.h"

namespace sluice::dataplane {
namespace {

bool HasTrafficBothWays(const Connection& connection) {
  return connection.Sent(false).state.load(std::memory_order_relaxed) != HalfState::kIdle &&
         connection.Sent(true).state.load(std::memory_order_relaxed) != HalfState::kIdle;
}

// Whether a change since `judged` can have touched the packet's connection.
bool IsTouched(const Burst& burst, const Packet& packet, uint32_t judged) {
  const Snapshot& snapshot = *burst.snapshot;
  const Connection& connection = *packet.connection;
  if (snapshot.keep_established && !HasTrafficBothWays(connection)) return true;
  const AddressStamps& stamps = *burst.network->stamps;
  return IsEarlierEpoch(judged, snapshot.everything_epoch) ||
         IsEarlierEpoch(judged, burst.in->verdict_epoch) ||
         IsEarlierEpoch(judged, snapshot.ports[packet.out_port].verdict_epoch) ||
         IsEarlierEpoch(judged, stamps.At(connection.key.a.address)) ||
         IsEarlierEpoch(judged, stamps.At(connection.key.b.address));
}

}  // namespace

bool IsOutdated(const Burst& burst, const Packet& packet, uint32_t judged) {
  if (IsTouched(burst, packet, judged)) return true;
  if (burst.trace == nullptr) {
    packet.connection->verdict_epoch.store(burst.snapshot->verdict_epoch,
                                           std::memory_order_relaxed);
  }
  return false;
}

}  // namespace sluice::dataplane
