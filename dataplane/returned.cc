#include "dataplane/returned.h"

#include <rte_branch_prediction.h>

#include "dataplane/track.h"

namespace sluice::dataplane {

void ProveReturned(Burst& burst, const ConnectionTable& table) {
  if (likely(burst.network->routers.empty())) return;
  for (Packet& packet : burst.all()) {
    if (packet.claimed == kNoPort || !packet.alive()) continue;
    const PortView& owner = burst.snapshot->ports[packet.claimed];
    ConnectionKey sent;
    MakeKey(packet, burst.network_id, SubjectOf(owner, packet.claimed), {}, sent);
    if (table.Lookup(sent, table.Hash(sent)) == nullptr) {
      packet.drop = DropReason::kGuardAddress;
    }
  }
}

}  // namespace sluice::dataplane
