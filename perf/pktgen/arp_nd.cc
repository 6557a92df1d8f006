#include "perf/pktgen/arp_nd.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>

#include <algorithm>

namespace sluice::pktgen {
namespace {

constexpr uint8_t kDiscoveryHopLimit = 255;
constexpr MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

// The one option that matters here, source or target link-layer address, padded to 8 bytes.
struct LinkLayerOption {
  uint8_t type;
  uint8_t length_in_8 = 1;
  std::array<uint8_t, 6> mac;
};
static_assert(sizeof(LinkLayerOption) == 8);

IpAddress AddressOf(uint32_t address_be) {
  return IpAddress::FromBytes(Family::kIpv4, reinterpret_cast<const uint8_t*>(&address_be));
}

std::optional<NeighborMessage> ReadArp(Bytes message) {
  const auto arp = Load<rte_arp_hdr>(message);
  if (!arp || arp->arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
      arp->arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) || arp->arp_hlen != 6 ||
      arp->arp_plen != 4) {
    return std::nullopt;
  }
  const uint16_t opcode = rte_be_to_cpu_16(arp->arp_opcode);
  if (opcode != RTE_ARP_OP_REQUEST && opcode != RTE_ARP_OP_REPLY) return std::nullopt;
  NeighborMessage result;
  result.is_query = opcode == RTE_ARP_OP_REQUEST;
  result.sender = AddressOf(arp->arp_data.arp_sip);
  result.target = result.is_query ? AddressOf(arp->arp_data.arp_tip) : result.sender;
  result.mac = MacAddress::FromBytes(arp->arp_data.arp_sha.addr_bytes);
  return result;
}

// Errors: nothing if no option of `type`, or an option is malformed (RFC 4861, 7.1: length 0).
std::optional<MacAddress> FindLinkLayerOption(Bytes options, uint8_t type) {
  while (options.size() >= sizeof(LinkLayerOption)) {
    const size_t length = options[1] * size_t{8};
    if (length == 0 || length > options.size()) return std::nullopt;
    if (options[0] == type) return MacAddress::FromBytes(options.data() + 2);
    options = options.subspan(length);
  }
  return std::nullopt;
}

std::optional<NeighborMessage> ReadDiscovery(const ParsedFrame& frame) {
  // Solicitation and advertisement have one layout: ICMP header, flags, target, options.
  const auto nd = Load<nd_neighbor_solicit>(frame.payload);
  if (!nd || frame.hop_limit != kDiscoveryHopLimit || nd->nd_ns_hdr.icmp6_code != 0) {
    return std::nullopt;
  }
  const uint8_t type = nd->nd_ns_hdr.icmp6_type;
  if (type != ND_NEIGHBOR_SOLICIT && type != ND_NEIGHBOR_ADVERT) return std::nullopt;
  NeighborMessage result;
  result.is_query = type == ND_NEIGHBOR_SOLICIT;
  result.target = IpAddress::FromBytes(Family::kIpv6, nd->nd_ns_target.s6_addr);
  result.sender = result.is_query ? frame.src : result.target;
  result.mac =
      FindLinkLayerOption(frame.payload.subspan(sizeof(*nd)),
                          result.is_query ? ND_OPT_SOURCE_LINKADDR : ND_OPT_TARGET_LINKADDR);
  return result;
}

Frame BuildArp(uint16_t opcode, const MacAddress& mac, const IpAddress& sender,
               const MacAddress& target_mac, const IpAddress& target) {
  const bool request = opcode == RTE_ARP_OP_REQUEST;
  rte_ether_hdr ether{};
  std::memcpy(&ether.dst_addr, request ? kBroadcast.bytes.data() : target_mac.bytes.data(), 6);
  std::memcpy(&ether.src_addr, mac.bytes.data(), 6);
  ether.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
  rte_arp_hdr arp{};
  arp.arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
  arp.arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
  arp.arp_hlen = 6;
  arp.arp_plen = 4;
  arp.arp_opcode = rte_cpu_to_be_16(opcode);
  std::memcpy(&arp.arp_data.arp_sha, mac.bytes.data(), 6);
  std::memcpy(&arp.arp_data.arp_sip, sender.bytes.data(), 4);
  std::memcpy(&arp.arp_data.arp_tha, target_mac.bytes.data(), 6);
  std::memcpy(&arp.arp_data.arp_tip, target.bytes.data(), 4);
  Frame frame;
  AppendHeader(frame, ether);
  AppendHeader(frame, arp);
  return frame;
}

Frame BuildDiscovery(const Path& path, uint8_t type, uint32_t flags, const IpAddress& target,
                     uint8_t option) {
  nd_neighbor_solicit nd{};
  nd.nd_ns_hdr.icmp6_type = type;
  nd.nd_ns_hdr.icmp6_dataun.icmp6_un_data32[0] = flags;
  std::memcpy(&nd.nd_ns_target, target.bytes.data(), 16);
  Frame l4;
  AppendHeader(l4, nd);
  AppendHeader(l4, LinkLayerOption{.type = option, .mac = path.src_mac.bytes});
  return BuildIpFrame(path, IPPROTO_ICMPV6, l4, kDiscoveryHopLimit);
}

// ff02::1:ffXX:XXXX and its MAC (RFC 4291, 2.7.1; RFC 2464, 7).
Path SolicitedNodePath(const MacAddress& mac, const IpAddress& sender, const IpAddress& target) {
  Path path{.src_mac = mac, .src = sender};
  const auto& t = target.bytes;
  path.dst = {Family::kIpv6, {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, t[13], t[14], t[15]}};
  path.dst_mac.bytes = {0x33, 0x33, 0xff, t[13], t[14], t[15]};
  return path;
}

}  // namespace

std::optional<NeighborMessage> ReadNeighborMessage(const ParsedFrame& frame) {
  if (frame.malformed || frame.bad_checksum) return std::nullopt;
  if (frame.kind == FrameKind::kArp) return ReadArp(frame.payload);
  if (frame.kind == FrameKind::kNd) return ReadDiscovery(frame);
  return std::nullopt;
}

Frame BuildNeighborQuery(const MacAddress& mac, const IpAddress& sender, const IpAddress& target) {
  if (target.family == Family::kIpv4) {
    return BuildArp(RTE_ARP_OP_REQUEST, mac, sender, MacAddress{}, target);
  }
  return BuildDiscovery(SolicitedNodePath(mac, sender, target), ND_NEIGHBOR_SOLICIT, 0, target,
                        ND_OPT_SOURCE_LINKADDR);
}

Frame BuildNeighborAnswer(const MacAddress& mac, const IpAddress& target,
                          const MacAddress& asker_mac, const IpAddress& asker) {
  if (target.family == Family::kIpv4) {
    return BuildArp(RTE_ARP_OP_REPLY, mac, target, asker_mac, asker);
  }
  const Path path{.src_mac = mac, .dst_mac = asker_mac, .src = target, .dst = asker};
  return BuildDiscovery(path, ND_NEIGHBOR_ADVERT, ND_NA_FLAG_SOLICITED | ND_NA_FLAG_OVERRIDE,
                        target, ND_OPT_TARGET_LINKADDR);
}

IpAddress LinkLocalAddress(const MacAddress& mac) {
  const auto& m = mac.bytes;
  const auto first = static_cast<uint8_t>(m[0] ^ 0x02);
  return {Family::kIpv6,
          {0xfe, 0x80, 0, 0, 0, 0, 0, 0, first, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}};
}

bool IsLinkLocal(const IpAddress& address) {
  return address.family == Family::kIpv6 && address.bytes[0] == 0xfe &&
         (address.bytes[1] & 0xc0) == 0x80;
}

}  // namespace sluice::pktgen
