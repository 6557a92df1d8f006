// Which packets judge has to say something about: those without a connection, and those of one
// whose verdict may not hold any more (verdict_age.h).
#pragma once

#include <rte_branch_prediction.h>

#include "dataplane/packet.h"
#include "dataplane/verdict_age.h"

namespace sluice::dataplane {

// Whether a change since the packet's connection was `judged` touched it. If not, its verdict is
// taken into this snapshot's verdict epoch.
bool IsOutdated(const Burst& burst, const Packet& packet, uint32_t judged);

// Whether the packet's connection, which it has, must be judged again.
inline bool HasStaleVerdict(const Burst& burst, const Packet& packet) {
  // Earlier only: another worker may be one snapshot ahead of this one.
  const uint32_t judged = packet.connection->verdict_epoch.load(std::memory_order_relaxed);
  return unlikely(IsEarlierEpoch(judged, burst.snapshot->verdict_epoch)) &&
         IsOutdated(burst, packet, judged);
}

// After Track's look-up.
inline bool NeedsVerdict(const Burst& burst, const Packet& packet) {
  if (!packet.alive() || packet.flood) return false;
  if (packet.kind == PacketKind::kUntracked) return true;
  if (packet.kind != PacketKind::kTracked) return false;
  return packet.connection == nullptr || HasStaleVerdict(burst, packet);
}

}  // namespace sluice::dataplane
