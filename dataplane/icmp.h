// The ICMP, ICMPv6 and IGMP types that the switch tells apart (RFC 792, 4443, 4861, 2710, 3810,
// 3376).
#pragma once

#include <netinet/in.h>

#include <cstdint>

#include "dataplane/packet.h"

namespace sluice::dataplane {

inline constexpr uint8_t kIcmpEchoReply = 0, kIcmpEchoRequest = 8;
inline constexpr uint8_t kIcmp6EchoRequest = 128, kIcmp6EchoReply = 129;
inline constexpr uint8_t kMldQuery = 130, kMldReport = 131, kMldDone = 132, kMldV2Report = 143;
inline constexpr uint8_t kRouterSolicit = 133, kRouterAdvert = 134;
inline constexpr uint8_t kNeighbourSolicit = 135, kNeighbourAdvert = 136, kRedirect = 137;

inline constexpr uint8_t kIgmpQuery = 0x11, kIgmpV1Report = 0x12, kIgmpV2Report = 0x16;
inline constexpr uint8_t kIgmpLeave = 0x17, kIgmpV3Report = 0x22;

inline bool IsIgmp(uint8_t type) {
  return type == kIgmpQuery || type == kIgmpV1Report || type == kIgmpV2Report ||
         type == kIgmpLeave || type == kIgmpV3Report;
}

inline constexpr uint32_t kNeighbourTargetOffset = 8;  // after the ICMPv6 header and flags

inline bool HasNeighbourTarget(uint8_t type) {
  return type == kNeighbourSolicit || type == kNeighbourAdvert;
}

// Fixed part of a neighbour discovery or MLD message, from the ICMPv6 header on.
inline uint32_t NeighbourLength(uint8_t type) {
  switch (type) {
    case kNeighbourSolicit:
    case kNeighbourAdvert:
    case kMldQuery:
    case kMldReport:
    case kMldDone:
      return 24;
    case kRouterAdvert:
      return 16;
    case kRedirect:
      return 40;
    default:
      return 8;
  }
}

// The errors that quote the packet they are about: unreachable, source quench, time exceeded,
// parameter problem; unreachable, packet too big, time exceeded, parameter problem.
inline bool IsIcmpError(const Packet& packet) {
  const uint8_t type = packet.icmp_type;
  if (packet.protocol == IPPROTO_ICMPV6) return type >= 1 && type <= 4;
  return type == 3 || type == 4 || type == 11 || type == 12;
}

// The messages that pods send to each other directly, and which must therefore carry little.
inline bool IsBoundedNeighbour(uint8_t type) {
  return type == kRouterSolicit || type == kNeighbourSolicit || type == kNeighbourAdvert;
}
inline constexpr uint32_t kMaxNeighbourOptions = 32;  // bytes; link-layer address and nonce take 16

// Neighbour traffic is not held against policy, so it must not be a way around it: MLD and router
// solicitations count only to a group address, the others only without room for a payload. What
// does not count is judged like any other ICMPv6.
inline PacketKind KindOfIcmp(const Packet& packet, uint8_t code) {
  const uint8_t type = packet.icmp_type;
  if (IsIcmpError(packet)) return PacketKind::kIcmpError;
  if (packet.protocol == IPPROTO_ICMP) {
    const bool echo = type == kIcmpEchoRequest || type == kIcmpEchoReply;
    return echo ? PacketKind::kTracked : PacketKind::kUntracked;
  }
  bool neighbour = false;
  switch (type) {
    case kIcmp6EchoRequest:
    case kIcmp6EchoReply:
      return PacketKind::kTracked;
    case kRouterAdvert:
    case kNeighbourSolicit:
    case kNeighbourAdvert:
    case kRedirect:
      neighbour = code == 0;
      break;
    case kMldQuery:
    case kMldReport:
    case kMldDone:
    case kMldV2Report:
    case kRouterSolicit:
      neighbour = code == 0 && packet.dst.IsMulticast();
      break;
    default:
      break;
  }
  const bool roomy =
      IsBoundedNeighbour(type) && packet.l4_length > NeighbourLength(type) + kMaxNeighbourOptions;
  return neighbour && !roomy ? PacketKind::kNeighbour : PacketKind::kUntracked;
}

inline bool IsNeighbourDiscovery(const Packet& packet) {
  return packet.protocol == IPPROTO_ICMPV6 && packet.icmp_type >= kRouterSolicit &&
         packet.icmp_type <= kRedirect;
}

inline bool IsEchoRequest(const Packet& packet) {
  return packet.protocol == IPPROTO_ICMP ? packet.icmp_type == kIcmpEchoRequest
                                         : packet.icmp_type == kIcmp6EchoRequest;
}

}  // namespace sluice::dataplane
