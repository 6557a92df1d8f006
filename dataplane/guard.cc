#include "dataplane/guard.h"

#include "dataplane/icmp.h"
#include "dataplane/journal.h"
#include "dataplane/ownership.h"
#include "dataplane/parse.h"

namespace sluice::dataplane {
namespace {

constexpr uint8_t kNeighbourHopLimit = 255;  // RFC 4861: anything less crossed a router

// Link-layer address options (type 1 and 2, RFC 4861) must name the sender's own MAC: anything else
// would lead honest traffic elsewhere.
bool OptionsLie(const PortView& port, const Packet& packet) {
  const std::span<const uint8_t> options = NeighbourOptions(packet);
  if (options.size() % 8 != 0) return true;
  for (size_t at = 0; at < options.size();) {
    const uint8_t type = options[at];
    const size_t length = options[at + 1] * size_t{8};
    if (length == 0 || at + length > options.size()) return true;
    const bool names_mac = type == 1 || type == 2;
    if (names_mac && MacAddress::FromBytes(&options[at + 2]) != port.mac) return true;
    at += length;
  }
  return false;
}

// Who advertises an address, or asks for it from the unspecified one (duplicate address detection),
// claims it.
DropReason CheckNeighbour(const PortView& port, const Packet& packet) {
  const bool discovery = packet.icmp_type >= kRouterSolicit && packet.icmp_type <= kRedirect;
  if (discovery && packet.hop_limit != kNeighbourHopLimit) return DropReason::kGuardNd;
  if (!packet.src.IsUnspecified() && !Owns(port, packet.src)) return DropReason::kGuardNd;
  const bool claims = packet.icmp_type == kNeighbourAdvert ||
                      (packet.icmp_type == kNeighbourSolicit && packet.src.IsUnspecified());
  if (claims && !Owns(port, NeighbourTarget(packet))) return DropReason::kGuardNd;
  return OptionsLie(port, packet) ? DropReason::kGuardNd : DropReason::kNone;
}

// An ARP probe (RFC 5227) has no sender address yet; it claims the target.
DropReason CheckArp(const PortView& port, const Packet& packet) {
  const bool own = Owns(port, packet.src.IsUnspecified() ? packet.dst : packet.src);
  return own ? DropReason::kNone : DropReason::kGuardArp;
}

// Nobody out there has a local pod's address.
DropReason CheckUplink(const NetworkView& network, const Packet& packet) {
  const bool claims_local = packet.kind == PacketKind::kNeighbour &&
                            packet.icmp_type == kNeighbourAdvert &&
                            network.local_addresses.contains(NeighbourTarget(packet));
  if (!claims_local && !network.local_addresses.contains(packet.src)) return DropReason::kNone;
  switch (packet.kind) {
    case PacketKind::kArp:
      return DropReason::kGuardArp;
    case PacketKind::kNeighbour:
      return DropReason::kGuardNd;
    default:
      return DropReason::kGuardAddress;
  }
}

DropReason Check(const PortView& port, const NetworkView& network, const Packet& packet) {
  if (port.role == PortRole::kUplink) return CheckUplink(network, packet);
  if (packet.kind == PacketKind::kNeighbour &&
      (packet.icmp_type == kRouterAdvert || packet.icmp_type == kRedirect)) {
    return DropReason::kGuardRa;
  }
  if (!port.guard) return DropReason::kNone;
  if (packet.src_mac != port.mac) return DropReason::kGuardMac;
  switch (packet.kind) {
    case PacketKind::kArp:
      return CheckArp(port, packet);
    case PacketKind::kNeighbour:
      return CheckNeighbour(port, packet);
    default:
      return Owns(port, packet.src) ? DropReason::kNone : DropReason::kGuardAddress;
  }
}

}  // namespace

void Guard(Burst& burst) {
  const NetworkView& network = burst.snapshot->networks[burst.in->network];
  const bool shut = burst.in->subject == SubjectState::kUnknown;
  for (Packet& packet : burst.all()) {
    if (!packet.alive()) continue;
    if (shut) packet.drop = Refuse(burst, packet, DropReason::kPortShut, acl::kNoRule);
    if (packet.alive()) packet.drop = Check(*burst.in, network, packet);
  }
}

}  // namespace sluice::dataplane
