#include "dataplane/guard.h"

#include <algorithm>

#include "dataplane/icmp.h"
#include "dataplane/parse.h"

namespace sluice::dataplane {
namespace {

using acl::Family;
using acl::IpAddress;

constexpr uint8_t kNeighbourHopLimit = 255;  // RFC 4861: anything less crossed a router

// fe80::/64 with the modified EUI-64 of `mac` (RFC 4291, appendix A).
bool IsLinkLocalOf(const IpAddress& address, const MacAddress& mac) {
  const auto& m = mac.bytes;
  const std::array<uint8_t, 16> expected = {
      0xfe, 0x80, 0,    0,    0,    0,    0,   0, static_cast<uint8_t>(m[0] ^ 2),
      m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
  return address.family == Family::kIpv6 && address.bytes == expected;
}

bool Owns(const PortView& port, const IpAddress& address) {
  return std::find(port.addresses.begin(), port.addresses.end(), address) != port.addresses.end() ||
         IsLinkLocalOf(address, port.mac);
}

bool IsUnspecified(const IpAddress& address) { return address.bytes == std::array<uint8_t, 16>{}; }

// Duplicate address detection and MLD speak from the unspecified address.
DropReason CheckNeighbour(const PortView& port, const Packet& packet) {
  const bool discovery = packet.icmp_type >= kRouterSolicit && packet.icmp_type <= kRedirect;
  if (discovery && packet.hop_limit != kNeighbourHopLimit) return DropReason::kGuardNd;
  if (!IsUnspecified(packet.src) && !Owns(port, packet.src)) return DropReason::kGuardNd;
  if (packet.icmp_type == kNeighbourAdvert &&
      !Owns(port, IpAddress::FromBytes(Family::kIpv6, NeighbourTarget(packet)))) {
    return DropReason::kGuardNd;
  }
  return DropReason::kNone;
}

// An ARP probe (RFC 5227) has no sender address yet.
DropReason CheckArp(const PortView& port, const Packet& packet) {
  const bool own = IsUnspecified(packet.src) || Owns(port, packet.src);
  return own ? DropReason::kNone : DropReason::kGuardArp;
}

DropReason Check(const PortView& port, const Packet& packet) {
  if (port.subject == SubjectState::kUnknown) return DropReason::kPortShut;
  if (port.role == PortRole::kPod && packet.kind == PacketKind::kNeighbour &&
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
    if (packet.alive()) packet.drop = Check(*burst.in, packet);
  }
}

}  // namespace sluice::dataplane
