#include "dataplane/answer.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include <algorithm>

#include "dataplane/icmp.h"

namespace sluice::dataplane {
namespace {

using acl::Family;
using acl::IpAddress;

constexpr uint8_t kHops = 64;
constexpr uint8_t kInternetworkControl = 0xc0;  // of ICMP errors: RFC 1812, 4.3.2.5
constexpr uint8_t kUnreachable4 = 3, kProhibited4 = 13;
constexpr uint8_t kUnreachable6 = 1, kProhibited6 = 1;
constexpr uint8_t kIcmpRedirect = 5, kFirstIcmp6Information = 128;

bool IsIpv4(const Packet& packet) { return packet.src.family == Family::kIpv4; }

uint32_t IpHeader(const Packet& packet) {
  return IsIpv4(packet) ? sizeof(rte_ipv4_hdr) : sizeof(rte_ipv6_hdr);
}

// One host's: not a group's, everyone's, nobody's or the sender's own.
bool IsOneHosts(const IpAddress& address) {
  const auto& b = address.bytes;
  if (address.family == Family::kIpv4) return b[0] != 0 && b[0] != 127 && b[0] < 224;
  const bool high = std::any_of(b.begin(), b.end() - 1, [](uint8_t byte) { return byte != 0; });
  return b[0] != 0xff && (high || b[15] > 1);
}

// Errors about errors never end. Of ICMPv6, types below 128 are errors, known or not.
bool IsAboutError(const Packet& packet) {
  const uint8_t type = packet.icmp_type;
  if (packet.protocol == IPPROTO_ICMP) return IsIcmpError(packet) || type == kIcmpRedirect;
  if (packet.protocol != IPPROTO_ICMPV6) return false;
  return type < kFirstIcmp6Information || type == kRedirect;
}

template <typename Header>
Header* At(rte_mbuf& mbuf, uint32_t offset) {
  return rte_pktmbuf_mtod_offset(&mbuf, Header*, offset);
}

void WriteEther(const Packet& packet) {
  auto* ether = At<rte_ether_hdr>(*packet.mbuf, 0);
  std::copy_n(packet.dst_mac.bytes.begin(), RTE_ETHER_ADDR_LEN, ether->src_addr.addr_bytes);
  std::copy_n(packet.src_mac.bytes.begin(), RTE_ETHER_ADDR_LEN, ether->dst_addr.addr_bytes);
  ether->ether_type = rte_cpu_to_be_16(IsIpv4(packet) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
}

// An atomic datagram (RFC 6864), which needs no identification.
void WriteIpv4(const Packet& packet, uint8_t protocol, uint32_t payload) {
  auto* ip = At<rte_ipv4_hdr>(*packet.mbuf, sizeof(rte_ether_hdr));
  *ip = {};
  ip->version_ihl = RTE_IPV4_VHL_DEF;
  ip->type_of_service = protocol == IPPROTO_ICMP ? kInternetworkControl : uint8_t{0};
  ip->total_length = rte_cpu_to_be_16(static_cast<uint16_t>(sizeof(*ip) + payload));
  ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
  ip->time_to_live = kHops;
  ip->next_proto_id = protocol;
  std::memcpy(&ip->src_addr, packet.dst.bytes.data(), sizeof(ip->src_addr));
  std::memcpy(&ip->dst_addr, packet.src.bytes.data(), sizeof(ip->dst_addr));
  ip->hdr_checksum = rte_ipv4_cksum(ip);
}

void WriteIpv6(const Packet& packet, uint8_t protocol, uint32_t payload) {
  auto* ip = At<rte_ipv6_hdr>(*packet.mbuf, sizeof(rte_ether_hdr));
  *ip = {};
  ip->vtc_flow = RTE_BE32(6u << 28);
  ip->payload_len = rte_cpu_to_be_16(static_cast<uint16_t>(payload));
  ip->proto = protocol;
  ip->hop_limits = kHops;
  std::copy_n(packet.dst.bytes.begin(), sizeof(ip->src_addr), ip->src_addr);
  std::copy_n(packet.src.bytes.begin(), sizeof(ip->dst_addr), ip->dst_addr);
}

void WriteLinkAndIp(const Packet& packet, uint8_t protocol, uint32_t payload) {
  WriteEther(packet);
  if (IsIpv4(packet)) {
    WriteIpv4(packet, protocol, payload);
  } else {
    WriteIpv6(packet, protocol, payload);
  }
}

// The first segment is all there is, `length` bytes of it, and nothing is left to be done to it.
void KeepOnly(rte_mbuf& mbuf, uint32_t length) {
  for (rte_mbuf* segment = mbuf.next; segment != nullptr;) {
    rte_mbuf* const following = segment->next;
    rte_pktmbuf_free_seg(segment);
    segment = following;
  }
  mbuf.next = nullptr;
  mbuf.nb_segs = 1;
  mbuf.data_len = static_cast<uint16_t>(length);
  mbuf.pkt_len = length;
  mbuf.ol_flags = 0;
}

void WriteReset(const Packet& packet) {
  const uint32_t offset = sizeof(rte_ether_hdr) + IpHeader(packet);
  WriteLinkAndIp(packet, IPPROTO_TCP, sizeof(rte_tcp_hdr));
  auto* tcp = At<rte_tcp_hdr>(*packet.mbuf, offset);
  *tcp = {};
  tcp->src_port = rte_cpu_to_be_16(packet.dst_port);
  tcp->dst_port = rte_cpu_to_be_16(packet.src_port);
  tcp->data_off = sizeof(*tcp) / 4 << 4;
  tcp->tcp_flags = kTcpRst;
  if ((packet.tcp_flags & kTcpAck) != 0) {
    tcp->sent_seq = rte_cpu_to_be_32(packet.tcp.ack);
  } else {
    const uint32_t controls = ((packet.tcp_flags & kTcpSyn) != 0 ? 1u : 0u) +
                              ((packet.tcp_flags & kTcpFin) != 0 ? 1u : 0u);
    tcp->tcp_flags |= kTcpAck;
    tcp->recv_ack = rte_cpu_to_be_32(packet.tcp.seq + packet.tcp.payload + controls);
  }
  tcp->cksum =
      IsIpv4(packet)
          ? rte_ipv4_udptcp_cksum(At<rte_ipv4_hdr>(*packet.mbuf, sizeof(rte_ether_hdr)), tcp)
          : rte_ipv6_udptcp_cksum(At<rte_ipv6_hdr>(*packet.mbuf, sizeof(rte_ether_hdr)), tcp);
}

// In front of `quoted` bytes that lie where they are to be.
void WriteUnreachable(const Packet& packet, uint32_t quoted) {
  const bool v4 = IsIpv4(packet);
  const uint32_t length = static_cast<uint32_t>(sizeof(rte_icmp_hdr)) + quoted;
  WriteLinkAndIp(packet, v4 ? uint8_t{IPPROTO_ICMP} : uint8_t{IPPROTO_ICMPV6}, length);
  auto* icmp = At<rte_icmp_hdr>(*packet.mbuf, sizeof(rte_ether_hdr) + IpHeader(packet));
  *icmp = {};
  icmp->icmp_type = v4 ? kUnreachable4 : kUnreachable6;
  icmp->icmp_code = v4 ? kProhibited4 : kProhibited6;
  icmp->icmp_cksum =
      v4 ? static_cast<uint16_t>(~rte_raw_cksum(icmp, length))
         : rte_ipv6_udptcp_cksum(At<rte_ipv6_hdr>(*packet.mbuf, sizeof(rte_ether_hdr)), icmp);
}

bool MakeReset(const Packet& packet) {
  const uint32_t length =
      static_cast<uint32_t>(sizeof(rte_ether_hdr) + sizeof(rte_tcp_hdr)) + IpHeader(packet);
  if (rte_pktmbuf_data_len(packet.mbuf) < length) return false;  // Parse has read more
  KeepOnly(*packet.mbuf, length);
  WriteReset(packet);
  return true;
}

// Quotes what is in the first segment: with 2 KiB buffers, all that may be quoted.
bool MakeUnreachable(const Packet& packet, uint32_t mtu) {
  rte_mbuf& mbuf = *packet.mbuf;
  const uint32_t before = IpHeader(packet) + static_cast<uint32_t>(sizeof(rte_icmp_hdr));
  const uint32_t largest = std::min(mtu, IsIpv4(packet) ? kMaxIcmpError4 : kMaxIcmpError6);
  const uint32_t ip_packet = packet.l4_offset + packet.l4_length - packet.l3_offset;
  if (rte_pktmbuf_headroom(&mbuf) < before + sizeof(rte_vlan_hdr) || largest <= before) {
    return false;
  }
  const uint32_t here = rte_pktmbuf_data_len(&mbuf) - packet.l3_offset;
  const uint32_t quoted = std::min({largest - before, ip_packet, here});
  mbuf.data_off = static_cast<uint16_t>(mbuf.data_off - before);
  KeepOnly(mbuf, static_cast<uint32_t>(sizeof(rte_ether_hdr)) + before + quoted);
  WriteUnreachable(packet, quoted);
  return true;
}

}  // namespace

AnswerKind AnswerTo(const Packet& packet) {
  if (packet.flood || packet.fragment.later()) return AnswerKind::kNone;
  if (!IsOneHosts(packet.src) || !IsOneHosts(packet.dst)) return AnswerKind::kNone;
  if (packet.protocol == IPPROTO_TCP) {
    return (packet.tcp_flags & kTcpRst) != 0 ? AnswerKind::kNone : AnswerKind::kReset;
  }
  return IsAboutError(packet) ? AnswerKind::kNone : AnswerKind::kUnreachable;
}

bool MakeAnswer(const Packet& packet, AnswerKind kind, uint32_t mtu) {
  const rte_mbuf& mbuf = *packet.mbuf;
  if (!RTE_MBUF_DIRECT(&mbuf) || rte_mbuf_refcnt_read(&mbuf) != 1) return false;
  return kind == AnswerKind::kReset ? MakeReset(packet) : MakeUnreachable(packet, mtu);
}

}  // namespace sluice::dataplane
