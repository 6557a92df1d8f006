#include "dataplane/guard.h"

#include "dataplane/icmp.h"
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

// Whether somebody else's port has `address`.
bool IsElsewhere(const Burst& burst, const acl::IpAddress& address) {
  const auto found = burst.network->local_addresses.find(address);
  return found != burst.network->local_addresses.end() && found->second != burst.in_port;
}

// Nobody out there has a local pod's MAC or address, nor this node's. What the node routes may come
// from anywhere, so the host port's sources are not held against addresses; its claims are.
DropReason CheckOutside(const Burst& burst, const Packet& packet) {
  const auto mac = burst.network->macs.find(packet.src_mac);
  if (mac != burst.network->macs.end() && mac->second != burst.in_port) {
    return DropReason::kGuardMac;
  }
  const bool claims = packet.kind == PacketKind::kNeighbour &&
                      packet.icmp_type == kNeighbourAdvert &&
                      IsElsewhere(burst, NeighbourTarget(packet));
  if (!claims && !IsElsewhere(burst, packet.src)) return DropReason::kNone;
  switch (packet.kind) {
    case PacketKind::kArp:
      return DropReason::kGuardArp;
    case PacketKind::kNeighbour:
      return DropReason::kGuardNd;
    default:
      return burst.in->role == PortRole::kHost ? DropReason::kNone : DropReason::kGuardAddress;
  }
}

DropReason Check(const Burst& burst, const Packet& packet) {
  const PortView& port = *burst.in;
  if (port.subject == SubjectState::kUnknown) return DropReason::kPortShut;
  if (port.role != PortRole::kPod) return CheckOutside(burst, packet);
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
  for (Packet& packet : burst.all()) {
    if (packet.alive()) packet.drop = Check(burst, packet);
  }
}

}  // namespace sluice::dataplane
