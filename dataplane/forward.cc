#include "dataplane/forward.h"

#include "dataplane/journal.h"

namespace sluice::dataplane {
namespace {

DropReason Route(const Burst& burst, const NetworkView& network, Packet& packet) {
  if (packet.dst_mac.IsMulticast()) {
    packet.flood = true;
    return DropReason::kNone;
  }
  const auto found = network.macs.find(packet.dst_mac);
  packet.out_port = found != network.macs.end() ? found->second : network.uplink;
  if (packet.out_port == kNoPort) return DropReason::kNoRoute;
  if (packet.out_port == burst.in_port) return DropReason::kHairpin;
  const bool shut = burst.snapshot->ports[packet.out_port].subject == SubjectState::kUnknown;
  return shut ? Refuse(burst, packet, DropReason::kReceiverShut, acl::kNoRule) : DropReason::kNone;
}

}  // namespace

void Forward(Burst& burst) {
  const NetworkView& network = burst.snapshot->networks[burst.in->network];
  for (Packet& packet : burst.all()) {
    if (packet.alive()) packet.drop = Route(burst, network, packet);
  }
}

}  // namespace sluice::dataplane
