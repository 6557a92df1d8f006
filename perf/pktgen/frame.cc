#include "perf/pktgen/frame.h"

#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

namespace sluice::pktgen {
namespace {

constexpr uint8_t kIcmp = IPPROTO_ICMP;
constexpr uint8_t kIcmpv6 = IPPROTO_ICMPV6;
constexpr uint8_t kIcmpv6EchoRequest = 128;
constexpr uint8_t kIcmpv6EchoReply = 129;
constexpr uint8_t kIcmpv6RouterSolicitation = 133;
constexpr uint8_t kIcmpv6Redirect = 137;

FrameKind KindOfIcmpv6(uint8_t type) {
  const bool discovery = kIcmpv6RouterSolicitation <= type && type <= kIcmpv6Redirect;
  return discovery ? FrameKind::kNd : FrameKind::kIcmp;
}

// The kind of a layer 4 message, or nothing if its header does not fit in it.
std::optional<FrameKind> KindOfL4(uint8_t protocol, Bytes l4) {
  if (protocol == IPPROTO_TCP) {
    const auto tcp = Load<rte_tcp_hdr>(l4);
    if (!tcp) return std::nullopt;
    const size_t length = (tcp->data_off >> 4) * size_t{4};
    if (length < sizeof(rte_tcp_hdr) || length > l4.size()) return std::nullopt;
    const bool syn = (tcp->tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG)) == RTE_TCP_SYN_FLAG;
    return syn ? FrameKind::kTcpSyn : FrameKind::kTcpOther;
  }
  if (protocol == IPPROTO_UDP) {
    const auto udp = Load<rte_udp_hdr>(l4);
    if (!udp || rte_be_to_cpu_16(udp->dgram_len) != l4.size()) return std::nullopt;
    return FrameKind::kUdp;
  }
  if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
    if (l4.size() < sizeof(rte_icmp_hdr)) return std::nullopt;
    return protocol == IPPROTO_ICMPV6 ? KindOfIcmpv6(l4[0]) : FrameKind::kIcmp;
  }
  return FrameKind::kOther;
}

void ReadL4(ParsedFrame& parsed) {
  const std::optional<FrameKind> kind = KindOfL4(parsed.protocol, parsed.payload);
  parsed.malformed = !kind.has_value();
  parsed.kind = kind.value_or(FrameKind::kOther);
}

// `pseudo_header` is its sum, uncomplemented (0 for ICMP over IPv4).
bool L4ChecksumHolds(uint16_t pseudo_header, Bytes l4) {
  const uint32_t sum = uint32_t{pseudo_header} + rte_raw_cksum(l4.data(), l4.size());
  return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

bool ChecksumsHold(const rte_ipv4_hdr* ip, const ParsedFrame& parsed) {
  if (rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) != 0xffff) return false;
  if (parsed.kind == FrameKind::kOther) return true;
  if (parsed.kind == FrameKind::kIcmp) return L4ChecksumHolds(0, parsed.payload);
  const bool unused =
      parsed.kind == FrameKind::kUdp && Load<rte_udp_hdr>(parsed.payload)->dgram_cksum == 0;
  return unused || L4ChecksumHolds(rte_ipv4_phdr_cksum(ip, 0), parsed.payload);
}

void ReadIpv4(Bytes packet, ParsedFrame& parsed) {
  parsed.malformed = true;
  const auto ip = Load<rte_ipv4_hdr>(packet);
  if (!ip || (ip->version_ihl >> 4) != 4) return;
  const size_t header = rte_ipv4_hdr_len(&*ip);
  const size_t total = rte_be_to_cpu_16(ip->total_length);
  if (header < sizeof(rte_ipv4_hdr) || total < header || total > packet.size()) return;
  parsed.malformed = false;
  parsed.src = IpAddress::FromBytes(Family::kIpv4, packet.data() + 12);
  parsed.dst = IpAddress::FromBytes(Family::kIpv4, packet.data() + 16);
  parsed.hop_limit = ip->time_to_live;
  parsed.payload = packet.subspan(header, total - header);
  constexpr uint16_t kFragment = RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK;
  if ((rte_be_to_cpu_16(ip->fragment_offset) & kFragment) != 0) return;
  parsed.protocol = ip->next_proto_id;
  ReadL4(parsed);
  if (parsed.malformed) return;
  const auto* in_place = reinterpret_cast<const rte_ipv4_hdr*>(packet.data());
  parsed.bad_checksum = !ChecksumsHold(in_place, parsed);
}

void ReadIpv6(Bytes packet, ParsedFrame& parsed) {
  parsed.malformed = true;
  const auto ip = Load<rte_ipv6_hdr>(packet);
  if (!ip || (packet[0] >> 4) != 6) return;
  const size_t length = rte_be_to_cpu_16(ip->payload_len);
  if (length > packet.size() - sizeof(rte_ipv6_hdr)) return;
  parsed.src = IpAddress::FromBytes(Family::kIpv6, packet.data() + 8);
  parsed.dst = IpAddress::FromBytes(Family::kIpv6, packet.data() + 24);
  parsed.hop_limit = ip->hop_limits;
  parsed.protocol = ip->proto;
  parsed.payload = packet.subspan(sizeof(rte_ipv6_hdr), length);
  ReadL4(parsed);
  if (parsed.malformed || parsed.kind == FrameKind::kOther) return;
  const auto* in_place = reinterpret_cast<const rte_ipv6_hdr*>(packet.data());
  parsed.bad_checksum = !L4ChecksumHolds(rte_ipv6_phdr_cksum(in_place, 0), parsed.payload);
}

rte_ether_hdr EtherHeader(const Path& path) {
  rte_ether_hdr ether{};
  std::memcpy(ether.dst_addr.addr_bytes, path.dst_mac.bytes.data(), 6);
  std::memcpy(ether.src_addr.addr_bytes, path.src_mac.bytes.data(), 6);
  const bool v4 = path.dst.family == Family::kIpv4;
  ether.ether_type = rte_cpu_to_be_16(v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
  return ether;
}

rte_ipv4_hdr Ipv4Header(const Path& path, uint8_t protocol, size_t l4_size, uint8_t hop_limit) {
  rte_ipv4_hdr ip{};
  ip.version_ihl = RTE_IPV4_VHL_DEF;
  ip.total_length = rte_cpu_to_be_16(static_cast<uint16_t>(sizeof(ip) + l4_size));
  ip.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
  ip.time_to_live = hop_limit;
  ip.next_proto_id = protocol;
  std::memcpy(&ip.src_addr, path.src.bytes.data(), 4);
  std::memcpy(&ip.dst_addr, path.dst.bytes.data(), 4);
  ip.hdr_checksum = rte_ipv4_cksum(&ip);
  return ip;
}

rte_ipv6_hdr Ipv6Header(const Path& path, uint8_t protocol, size_t l4_size, uint8_t hop_limit) {
  rte_ipv6_hdr ip{};
  ip.vtc_flow = rte_cpu_to_be_32(6U << 28);
  ip.payload_len = rte_cpu_to_be_16(static_cast<uint16_t>(l4_size));
  ip.proto = protocol;
  ip.hop_limits = hop_limit;
  std::memcpy(ip.src_addr, path.src.bytes.data(), 16);
  std::memcpy(ip.dst_addr, path.dst.bytes.data(), 16);
  return ip;
}

// Where a layer 4 header keeps its checksum.
size_t ChecksumOffset(uint8_t protocol) {
  if (protocol == IPPROTO_TCP) return offsetof(rte_tcp_hdr, cksum);
  if (protocol == IPPROTO_UDP) return offsetof(rte_udp_hdr, dgram_cksum);
  return offsetof(rte_icmp_hdr, icmp_cksum);
}

uint16_t L4Checksum(const uint8_t* ip, size_t ip_size, uint8_t protocol, size_t l4_size) {
  const uint8_t* l4 = ip + ip_size;
  if (protocol == IPPROTO_ICMP) return static_cast<uint16_t>(~rte_raw_cksum(l4, l4_size));
  if (ip_size == sizeof(rte_ipv6_hdr)) {
    return rte_ipv6_udptcp_cksum(reinterpret_cast<const rte_ipv6_hdr*>(ip), l4);
  }
  return rte_ipv4_udptcp_cksum(reinterpret_cast<const rte_ipv4_hdr*>(ip), l4);
}

}  // namespace

ParsedFrame ParseFrame(Bytes frame) {
  ParsedFrame parsed;
  const auto ether = Load<rte_ether_hdr>(frame);
  if (!ether) {
    parsed.malformed = true;
    return parsed;
  }
  parsed.dst_mac = MacAddress::FromBytes(frame.data());
  parsed.src_mac = MacAddress::FromBytes(frame.data() + 6);
  const Bytes rest = frame.subspan(sizeof(rte_ether_hdr));
  const uint16_t ether_type = rte_be_to_cpu_16(ether->ether_type);
  if (ether_type == RTE_ETHER_TYPE_ARP) {
    parsed.malformed = rest.size() < sizeof(rte_arp_hdr);
    parsed.kind = parsed.malformed ? FrameKind::kOther : FrameKind::kArp;
    parsed.payload = rest;
  } else if (ether_type == RTE_ETHER_TYPE_IPV4) {
    ReadIpv4(rest, parsed);
  } else if (ether_type == RTE_ETHER_TYPE_IPV6) {
    ReadIpv6(rest, parsed);
  }
  return parsed;
}

Frame BuildIpFrame(const Path& path, uint8_t protocol, Bytes l4, uint8_t hop_limit) {
  Frame frame;
  frame.reserve(sizeof(rte_ether_hdr) + sizeof(rte_ipv6_hdr) + l4.size());
  AppendHeader(frame, EtherHeader(path));
  if (path.dst.family == Family::kIpv4) {
    AppendHeader(frame, Ipv4Header(path, protocol, l4.size(), hop_limit));
  } else {
    AppendHeader(frame, Ipv6Header(path, protocol, l4.size(), hop_limit));
  }
  const size_t ip_size = frame.size() - sizeof(rte_ether_hdr);
  Append(frame, l4);
  uint8_t* ip = frame.data() + sizeof(rte_ether_hdr);
  const uint16_t checksum = L4Checksum(ip, ip_size, protocol, l4.size());
  std::memcpy(ip + ip_size + ChecksumOffset(protocol), &checksum, sizeof(checksum));
  return frame;
}

Frame BuildUdpFrame(const Path& path, uint16_t src_port, uint16_t dst_port, Bytes payload) {
  rte_udp_hdr udp{};
  udp.src_port = rte_cpu_to_be_16(src_port);
  udp.dst_port = rte_cpu_to_be_16(dst_port);
  udp.dgram_len = rte_cpu_to_be_16(static_cast<uint16_t>(sizeof(udp) + payload.size()));
  Frame l4;
  AppendHeader(l4, udp);
  Append(l4, payload);
  return BuildIpFrame(path, IPPROTO_UDP, l4);
}

Frame BuildEchoFrame(const Path& path, bool reply, uint16_t identifier, uint16_t sequence,
                     Bytes payload) {
  const bool v4 = path.dst.family == Family::kIpv4;
  rte_icmp_hdr icmp{};
  if (v4) {
    icmp.icmp_type = reply ? RTE_IP_ICMP_ECHO_REPLY : RTE_IP_ICMP_ECHO_REQUEST;
  } else {
    icmp.icmp_type = reply ? kIcmpv6EchoReply : kIcmpv6EchoRequest;
  }
  icmp.icmp_ident = rte_cpu_to_be_16(identifier);
  icmp.icmp_seq_nb = rte_cpu_to_be_16(sequence);
  Frame l4;
  AppendHeader(l4, icmp);
  Append(l4, payload);
  return BuildIpFrame(path, v4 ? kIcmp : kIcmpv6, l4);
}

}  // namespace sluice::pktgen
