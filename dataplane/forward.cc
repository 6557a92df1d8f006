#include "dataplane/forward.h"

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
  return shut ? DropReason::kReceiverShut : DropReason::kNone;
}

// Between two ports without a subject nothing is judged, so nothing is tracked either.
bool IsPassingThrough(const Burst& burst, const Packet& packet) {
  return burst.in->subject == SubjectState::kNone && packet.kind == PacketKind::kTracked &&
         burst.snapshot->ports[packet.out_port].subject == SubjectState::kNone;
}

void ForwardOne(const Burst& burst, Packet& packet) {
  packet.drop = Route(burst, *burst.network, packet);
  if (!packet.alive() || packet.flood) return;
  if (IsPassingThrough(burst, packet)) packet.kind = PacketKind::kUntracked;
}

}  // namespace

void Forward(Burst& burst) {
  for (Packet& packet : burst.all()) {
    if (packet.alive()) ForwardOne(burst, packet);
  }
}

}  // namespace sluice::dataplane
