#include "dataplane/forward.h"

#include "dataplane/dhcp.h"
#include "dataplane/journal.h"
#include "dataplane/learned_macs.h"
#include "dataplane/ownership.h"

namespace sluice::dataplane {
namespace {

// What is behind an uplink or a host port, and the MACs that pods are allowed beside their own, are
// known from what they send.
void LearnSource(const Burst& burst, const Packet& packet) {
  if (burst.trace != nullptr) return;
  const PortView& in = *burst.in;
  if (packet.src_mac == in.mac || (in.role == PortRole::kPod && !in.guard)) return;
  burst.network->learned->Learn(packet.src_mac, burst.in_port, burst.now_ms);
}

// Slots are used again: what was learned counts only if it still fits the port.
PortId FindLearned(const Burst& burst, const MacAddress& mac) {
  const NetworkView& network = *burst.network;
  const PortId port = network.learned->Find(mac, burst.now_ms);
  if (port == kNoPort || port == network.uplink || port == network.host) return port;
  const PortView& view = burst.snapshot->ports[port];
  const bool fits = view.in_use && view.role == PortRole::kPod &&
                    view.network == burst.network_id && UsesMac(view, mac);
  return fits ? port : kNoPort;
}

PortId Find(const Burst& burst, const MacAddress& mac) {
  const NetworkView& network = *burst.network;
  const auto found = network.macs.find(mac);
  if (found != network.macs.end()) return found->second;
  const PortId learned = FindLearned(burst, mac);
  return learned != kNoPort ? learned : network.uplink;
}

// Packets that come together often go to one place.
class Routes {
 public:
  explicit Routes(const Burst& burst) : burst_(burst) {}

  PortId PortOf(const MacAddress& mac) {
    if (!any_ || mac != last_mac_) last_port_ = Find(burst_, mac);
    any_ = true;
    last_mac_ = mac;
    return last_port_;
  }

 private:
  const Burst& burst_;
  bool any_ = false;
  MacAddress last_mac_;
  PortId last_port_ = kNoPort;
};

DropReason Route(const Burst& burst, Routes& routes, Packet& packet) {
  if (packet.dst_mac.IsMulticast()) {
    packet.flood = true;
    return DropReason::kNone;
  }
  packet.out_port = routes.PortOf(packet.dst_mac);
  if (packet.out_port == kNoPort) return DropReason::kNoRoute;
  if (packet.out_port == burst.in_port) return DropReason::kHairpin;
  const bool shut = burst.snapshot->ports[packet.out_port].subject == SubjectState::kUnknown;
  return shut ? Refuse(burst, packet, DropReason::kReceiverShut, acl::kNoRule) : DropReason::kNone;
}

// Questions to the outside, and answers from there. Between pods DHCP is traffic like any other;
// flood.h keeps a pod's questions from them.
bool IsAllowedDhcp(const Burst& burst, const Packet& packet) {
  const auto leads_to_pod = [&] {
    return burst.snapshot->ports[packet.out_port].role == PortRole::kPod;
  };
  if (burst.in->role == PortRole::kPod) {
    return IsDhcpQuestion(packet) && (packet.flood || !leads_to_pod());
  }
  return IsDhcpAnswer(packet) && (packet.flood || leads_to_pod());
}

// Between two ports without a subject nothing is judged, so nothing is tracked either.
bool IsPassingThrough(const Burst& burst, const Packet& packet) {
  return burst.in->subject == SubjectState::kNone && packet.kind == PacketKind::kTracked &&
         burst.snapshot->ports[packet.out_port].subject == SubjectState::kNone;
}

void ForwardOne(const Burst& burst, Routes& routes, Packet& packet) {
  LearnSource(burst, packet);
  packet.drop = Route(burst, routes, packet);
  if (!packet.alive()) return;
  if (burst.network->allow_dhcp && IsAllowedDhcp(burst, packet)) packet.kind = PacketKind::kDhcp;
  if (!packet.flood && IsPassingThrough(burst, packet)) packet.kind = PacketKind::kUntracked;
}

}  // namespace

void Forward(Burst& burst) {
  Routes routes(burst);
  for (Packet& packet : burst.all()) {
    if (packet.alive()) ForwardOne(burst, routes, packet);
  }
}

}  // namespace sluice::dataplane
