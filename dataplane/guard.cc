#include "dataplane/guard.h"

#include "dataplane/dhcp.h"
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
    if (names_mac && !UsesMac(port, MacAddress::FromBytes(&options[at + 2]))) return true;
    at += length;
  }
  return false;
}

// Who advertises an address, or asks for it from the unspecified one (duplicate address detection),
// claims it.
DropReason CheckNeighbour(const PortView& port, const Packet& packet) {
  const bool discovery = packet.icmp_type >= kRouterSolicit && packet.icmp_type <= kRedirect;
  if (discovery && packet.hop_limit != kNeighbourHopLimit) return DropReason::kGuardNd;
  const MacAddress& mac = packet.src_mac;
  if (!packet.src.IsUnspecified() && !SpeaksFor(port, packet.src, mac)) return DropReason::kGuardNd;
  const bool claims = packet.icmp_type == kNeighbourAdvert ||
                      (packet.icmp_type == kNeighbourSolicit && packet.src.IsUnspecified());
  if (claims && !SpeaksFor(port, NeighbourTarget(packet), mac)) return DropReason::kGuardNd;
  return OptionsLie(port, packet) ? DropReason::kGuardNd : DropReason::kNone;
}

// An ARP probe (RFC 5227) has no sender address yet; it claims the target.
DropReason CheckArp(const PortView& port, const Packet& packet) {
  const acl::IpAddress& claimed = packet.src.IsUnspecified() ? packet.dst : packet.src;
  return SpeaksFor(port, claimed, packet.src_mac) ? DropReason::kNone : DropReason::kGuardArp;
}

// Whether somebody else's port has `address`.
bool IsElsewhere(const Burst& burst, const acl::IpAddress& address) {
  const auto found = burst.network->local_addresses.find(address);
  return found != burst.network->local_addresses.end() && found->second != burst.in_port;
}

// A router that the network names may send back what a pod here sent to it; whether one did is for
// ProveReturned to say. Only connections can be proven.
bool MayBeReturned(const Burst& burst, Packet& packet) {
  if (packet.kind != PacketKind::kTracked || !IsRouter(*burst.network, packet.src_mac))
    return false;
  packet.claimed = burst.network->local_addresses.find(packet.src)->second;  // IsElsewhere found it
  return burst.snapshot->ports[packet.claimed].role == PortRole::kPod;
}

// Nobody out there has a local pod's MAC or address, nor this node's. What the node routes may come
// from anywhere, so the host port's sources are not held against addresses; its claims are.
DropReason CheckOutside(const Burst& burst, Packet& packet) {
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
      if (burst.in->role == PortRole::kHost) return DropReason::kNone;
      return MayBeReturned(burst, packet) ? DropReason::kNone : DropReason::kGuardAddress;
  }
}

// What passes without policy must not be an answer, and the question is asked before there is an
// address.
bool AsksForAddress(const Burst& burst, const Packet& packet) {
  return burst.network->allow_dhcp && packet.src.IsUnspecified() && IsDhcpQuestion(packet);
}

DropReason Check(const Burst& burst, Packet& packet) {
  const PortView& port = *burst.in;
  if (port.role != PortRole::kPod) return CheckOutside(burst, packet);
  if (packet.kind == PacketKind::kNeighbour &&
      (packet.icmp_type == kRouterAdvert || packet.icmp_type == kRedirect)) {
    return DropReason::kGuardRa;
  }
  if (burst.network->allow_dhcp && IsDhcpAnswer(packet)) return DropReason::kGuardDhcp;
  if (!port.guard) return DropReason::kNone;
  if (!UsesMac(port, packet.src_mac)) return DropReason::kGuardMac;
  switch (packet.kind) {
    case PacketKind::kArp:
      return CheckArp(port, packet);
    case PacketKind::kRarp:  // it claims its MAC alone
      return DropReason::kNone;
    case PacketKind::kNeighbour:
      return CheckNeighbour(port, packet);
    default:
      if (SpeaksFor(port, packet.src, packet.src_mac)) return DropReason::kNone;
      return AsksForAddress(burst, packet) ? DropReason::kNone : DropReason::kGuardAddress;
  }
}

// Whether it claims what `passed` does, which is a pod's, and no more.
bool SaysAsMuch(const Packet& packet, const Packet& passed) {
  return packet.kind == PacketKind::kTracked && packet.src_mac == passed.src_mac &&
         packet.src == passed.src;
}

}  // namespace

void Guard(Burst& burst) {
  const bool shut = burst.in->subject == SubjectState::kUnknown;
  const Packet* passed =
      nullptr;  // a pod's, if all that is asked of its packets is who they are of
  for (Packet& packet : burst.all()) {
    if (!packet.alive()) continue;
    if (passed != nullptr && SaysAsMuch(packet, *passed)) continue;
    if (shut) packet.drop = Refuse(burst, packet, DropReason::kPortShut, acl::kNoRule);
    if (packet.alive()) packet.drop = Check(burst, packet);
    const bool plain = burst.in->role == PortRole::kPod && !burst.network->allow_dhcp && !shut;
    if (plain && packet.alive() && packet.kind == PacketKind::kTracked) passed = &packet;
  }
}

}  // namespace sluice::dataplane
