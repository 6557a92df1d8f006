// The ICMP and ICMPv6 types that the switch tells apart (RFC 792, 4443, 4861, 2710, 3810).
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

// MLD counts as neighbour traffic only when it goes to a group: sent to one pod it would be a way
// around policy, and is judged like any other ICMPv6.
inline PacketKind KindOfIcmp(uint8_t protocol, uint8_t type, const MacAddress& dst_mac) {
  if (protocol == IPPROTO_ICMP) {
    const bool echo = type == kIcmpEchoRequest || type == kIcmpEchoReply;
    return echo ? PacketKind::kTracked : PacketKind::kUntracked;
  }
  switch (type) {
    case kIcmp6EchoRequest:
    case kIcmp6EchoReply:
      return PacketKind::kTracked;
    case kRouterAdvert:
    case kNeighbourSolicit:
    case kNeighbourAdvert:
    case kRedirect:
      return PacketKind::kNeighbour;
    case kMldQuery:
    case kMldReport:
    case kMldDone:
    case kMldV2Report:
    case kRouterSolicit:
      return dst_mac.IsMulticast() ? PacketKind::kNeighbour : PacketKind::kUntracked;
    default:
      return PacketKind::kUntracked;
  }
}

inline bool IsEchoRequest(const Packet& packet) {
  return packet.protocol == IPPROTO_ICMP ? packet.icmp_type == kIcmpEchoRequest
                                         : packet.icmp_type == kIcmp6EchoRequest;
}

}  // namespace sluice::dataplane
