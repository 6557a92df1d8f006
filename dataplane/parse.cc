#include "dataplane/parse.h"

#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_branch_prediction.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "dataplane/icmp.h"
#include "dataplane/tcp_options.h"

namespace sluice::dataplane {
namespace {

using acl::Family;
using acl::IpAddress;

// The bytes of one packet that may be read, and how to ask for a header in them.
class Reader {
 public:
  explicit Reader(const rte_mbuf* mbuf)
      : data_(rte_pktmbuf_mtod(mbuf, const uint8_t*)),
        readable_(rte_pktmbuf_data_len(mbuf)),
        frame_(rte_pktmbuf_pkt_len(mbuf)) {}

  // kNone if `length` bytes at `offset` may be read, else why not.
  DropReason Check(uint32_t offset, uint32_t length) const {
    if (offset + length <= readable_) return DropReason::kNone;
    return offset + length <= frame_ ? DropReason::kHeaderSplit : DropReason::kTruncated;
  }
  // The header of type T at `offset`, or null with `drop` set.
  template <typename T>
  const T* At(uint32_t offset, DropReason* drop) const {
    *drop = Check(offset, sizeof(T));
    return *drop == DropReason::kNone ? reinterpret_cast<const T*>(data_ + offset) : nullptr;
  }
  uint32_t frame() const { return frame_; }

 private:
  const uint8_t* data_;
  uint32_t readable_;
  uint32_t frame_;
};

// Where the transport header starts and where the IP packet ends.
struct Transport {
  uint32_t offset = 0;
  uint32_t end = 0;
  bool fragment_header = false;  // IPv6, atomic or not
};

constexpr uint32_t kMaxDatagram = 65535;
// IPv4 options.
constexpr uint8_t kEndOfOptions = 0, kNoOperation = 1;
constexpr uint8_t kLooseSourceRoute = 131, kStrictSourceRoute = 137;

// Why a header that ends beyond its packet kills it: in a first fragment the rest would follow in a
// later one, which nobody reads.
DropReason Cut(const Packet& packet, DropReason whole) {
  return packet.fragment.present() ? DropReason::kFragmentTiny : whole;
}

// A fragment of `length` bytes at `offset`; `before` bytes count with them for the datagram's size.
DropReason ReadFragment(Packet& packet, uint32_t identification, uint32_t offset, uint32_t length,
                        bool more, uint32_t before) {
  if (length == 0 || (more && length % 8 != 0)) return DropReason::kFragmentMalformed;
  if (before + offset + length > kMaxDatagram) return DropReason::kFragmentMalformed;
  packet.fragment = {identification, static_cast<uint16_t>(offset), static_cast<uint16_t>(length),
                     more};
  return DropReason::kNone;
}

bool BadSource(const IpAddress& source) {
  const auto& b = source.bytes;
  if (source.family == Family::kIpv6) {
    static constexpr std::array<uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0,
                                                          0, 0, 0, 0, 0, 0, 0, 1};
    return b[0] == 0xff || b == kLoopback;
  }
  return b[0] == 127 || b[0] >= 224;
}

DropReason ReadArp(const Reader& reader, Packet& packet) {
  DropReason drop = DropReason::kNone;
  const auto* arp = reader.At<rte_arp_hdr>(packet.l3_offset, &drop);
  if (arp == nullptr) return drop;
  const uint16_t op = rte_be_to_cpu_16(arp->arp_opcode);
  if (rte_be_to_cpu_16(arp->arp_hardware) != RTE_ARP_HRD_ETHER ||
      rte_be_to_cpu_16(arp->arp_protocol) != RTE_ETHER_TYPE_IPV4 || arp->arp_hlen != 6 ||
      arp->arp_plen != 4 || (op != RTE_ARP_OP_REQUEST && op != RTE_ARP_OP_REPLY)) {
    return DropReason::kArpMalformed;
  }
  packet.kind = PacketKind::kArp;
  packet.src =
      IpAddress::FromBytes(Family::kIpv4, reinterpret_cast<const uint8_t*>(&arp->arp_data.arp_sip));
  packet.dst =
      IpAddress::FromBytes(Family::kIpv4, reinterpret_cast<const uint8_t*>(&arp->arp_data.arp_tip));
  // The sender's hardware address must be the frame's: else the cache it lands in is poisoned.
  if (MacAddress::FromBytes(arp->arp_data.arp_sha.addr_bytes) != packet.src_mac) {
    return DropReason::kGuardArp;
  }
  return DropReason::kNone;
}

// What QEMU sends for a guest that has just arrived: a reverse request of a MAC about itself (RFC
// 903), from which switches learn where it is. Nothing else is done with RARP.
DropReason ReadRarp(const Reader& reader, Packet& packet) {
  DropReason drop = DropReason::kNone;
  const auto* arp = reader.At<rte_arp_hdr>(packet.l3_offset, &drop);
  if (arp == nullptr) return drop;
  const rte_arp_ipv4& data = arp->arp_data;
  const bool about_itself = rte_is_same_ether_addr(&data.arp_sha, &data.arp_tha) &&
                            data.arp_sip == 0 && data.arp_tip == 0;
  if (rte_be_to_cpu_16(arp->arp_hardware) != RTE_ARP_HRD_ETHER ||
      rte_be_to_cpu_16(arp->arp_protocol) != RTE_ETHER_TYPE_IPV4 || arp->arp_hlen != 6 ||
      arp->arp_plen != 4 || rte_be_to_cpu_16(arp->arp_opcode) != RTE_ARP_OP_REVREQUEST ||
      !about_itself) {
    return DropReason::kArpMalformed;
  }
  packet.kind = PacketKind::kRarp;
  const bool own = MacAddress::FromBytes(data.arp_sha.addr_bytes) == packet.src_mac;
  return own ? DropReason::kNone : DropReason::kGuardArp;
}

// The options behind an IPv4 header. Source routes lead where policy did not look (RFC 7126, 4.3).
DropReason CheckOptions(std::span<const uint8_t> options) {
  for (size_t at = 0; at < options.size();) {
    const uint8_t type = options[at];
    if (type == kEndOfOptions) break;
    if (type == kNoOperation) {
      ++at;
      continue;
    }
    if (type == kLooseSourceRoute || type == kStrictSourceRoute) return DropReason::kIpSourceRoute;
    if (at + 1 == options.size()) return DropReason::kIpOptions;
    const size_t length = options[at + 1];
    if (length < 2 || at + length > options.size()) return DropReason::kIpOptions;
    at += length;
  }
  return DropReason::kNone;
}

DropReason ReadIpv4(const Reader& reader, Packet& packet, Transport& transport) {
  DropReason drop = DropReason::kNone;
  const auto* ip = reader.At<rte_ipv4_hdr>(packet.l3_offset, &drop);
  if (ip == nullptr) return drop;
  if (ip->version_ihl >> 4 != 4) return DropReason::kIpVersion;
  const uint32_t header = (ip->version_ihl & 0xfu) * 4;
  const uint32_t total = rte_be_to_cpu_16(ip->total_length);
  const uint32_t available = reader.frame() - packet.l3_offset;
  if (header < sizeof(*ip) || header > available) return DropReason::kIpHeaderLength;
  if (total < header || total > available) return DropReason::kIpTotalLength;
  packet.src.Assign(Family::kIpv4, reinterpret_cast<const uint8_t*>(&ip->src_addr));
  packet.dst.Assign(Family::kIpv4, reinterpret_cast<const uint8_t*>(&ip->dst_addr));
  packet.protocol = ip->next_proto_id;
  packet.hop_limit = ip->time_to_live;
  transport = {packet.l3_offset + header, packet.l3_offset + total};
  if (unlikely(header > sizeof(*ip))) {
    drop = reader.Check(packet.l3_offset, header);
    if (drop != DropReason::kNone) return drop;
    drop = CheckOptions({reinterpret_cast<const uint8_t*>(ip + 1), header - sizeof(*ip)});
    if (drop != DropReason::kNone) return drop;
  }
  const uint16_t place = rte_be_to_cpu_16(ip->fragment_offset);
  constexpr uint16_t kMoreOrOffset = RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK;
  if (likely((place & kMoreOrOffset) == 0)) return DropReason::kNone;
  return ReadFragment(packet, rte_be_to_cpu_16(ip->packet_id),
                      (place & RTE_IPV4_HDR_OFFSET_MASK) * 8u, total - header,
                      (place & RTE_IPV4_HDR_MF_FLAG) != 0, header);
}

// The fragment header at `transport.offset`; `start` is where the IPv6 payload begins.
DropReason ReadFragmentHeader(const Reader& reader, Packet& packet, Transport& transport,
                              uint32_t start) {
  DropReason drop = DropReason::kNone;
  const auto* header = reader.At<rte_ipv6_fragment_ext>(transport.offset, &drop);
  if (header == nullptr) return drop;
  const uint32_t before = transport.offset - start;  // other headers, which each fragment repeats
  if (transport.fragment_header) return DropReason::kIpv6Extension;
  transport.fragment_header = true;
  transport.offset += sizeof(*header);
  if (transport.offset > transport.end) return DropReason::kIpv6Extension;
  packet.protocol = header->next_header;
  const uint16_t place = rte_be_to_cpu_16(header->frag_data);
  const uint32_t offset = place & ~7u;
  const bool more = (place & RTE_IPV6_EHDR_MF_MASK) != 0;
  if (offset == 0 && !more) return DropReason::kNone;
  return ReadFragment(packet, rte_be_to_cpu_32(header->id), offset,
                      transport.end - transport.offset, more, before);
}

// Walks the extension headers from `transport.offset` on; leaves it and packet.protocol at the
// transport header, or behind the fragment header of a later fragment.
DropReason WalkExtensions(const Reader& reader, Packet& packet, Transport& transport) {
  struct Extension {
    uint8_t next;
    uint8_t length;  // in units of 8 bytes (AH: 4), without the first
    uint8_t type;    // of a routing header
    uint8_t segments_left;
  };
  const uint32_t start = transport.offset;
  DropReason drop = DropReason::kNone;
  for (unsigned walked = 0;; ++walked) {
    switch (packet.protocol) {
      case IPPROTO_FRAGMENT:
        if (walked == kMaxIpv6Extensions) return DropReason::kIpv6Extension;
        drop = ReadFragmentHeader(reader, packet, transport, start);
        if (drop != DropReason::kNone || packet.fragment.later()) return drop;
        continue;
      case IPPROTO_HOPOPTS:
        if (walked != 0) return DropReason::kIpv6Extension;  // only ever first (RFC 8200, 4.1)
        break;
      case IPPROTO_ROUTING:
      case IPPROTO_DSTOPTS:
      case IPPROTO_AH:
        break;
      default:
        return DropReason::kNone;
    }
    if (walked == kMaxIpv6Extensions) return DropReason::kIpv6Extension;
    if (transport.offset == transport.end) return Cut(packet, DropReason::kIpv6Extension);
    const auto* extension = reader.At<Extension>(transport.offset, &drop);
    if (extension == nullptr) return drop;
    const uint32_t length =
        packet.protocol == IPPROTO_AH ? (extension->length + 2u) * 4 : (extension->length + 1u) * 8;
    if (transport.offset + length > transport.end) {
      return Cut(packet, DropReason::kIpv6Extension);
    }
    // As with IPv4 source routes, and as RFC 5095 wants it for type 0.
    if (packet.protocol == IPPROTO_ROUTING && extension->segments_left != 0) {
      return DropReason::kIpSourceRoute;
    }
    packet.protocol = extension->next;
    transport.offset += length;
  }
}

DropReason ReadIpv6(const Reader& reader, Packet& packet, Transport& transport) {
  DropReason drop = DropReason::kNone;
  const auto* ip = reader.At<rte_ipv6_hdr>(packet.l3_offset, &drop);
  if (ip == nullptr) return drop;
  if ((rte_be_to_cpu_32(ip->vtc_flow) >> 28) != 6) return DropReason::kIpVersion;
  const uint32_t payload = rte_be_to_cpu_16(ip->payload_len);
  const uint32_t start = packet.l3_offset + sizeof(*ip);
  if (start + payload > reader.frame()) return DropReason::kIpTotalLength;
  packet.src.Assign(Family::kIpv6, ip->src_addr);
  packet.dst.Assign(Family::kIpv6, ip->dst_addr);
  packet.protocol = ip->proto;
  packet.hop_limit = ip->hop_limits;
  transport = {start, start + payload};
  return WalkExtensions(reader, packet, transport);
}

DropReason ReadTcp(const Reader& reader, const Transport& transport, Packet& packet) {
  if (transport.offset + sizeof(rte_tcp_hdr) > transport.end) {
    return Cut(packet, DropReason::kTcpMalformed);
  }
  DropReason drop = DropReason::kNone;
  const auto* tcp = reader.At<rte_tcp_hdr>(transport.offset, &drop);
  if (tcp == nullptr) return drop;
  const uint32_t header = (tcp->data_off >> 4) * 4u;
  if (header < sizeof(*tcp)) return DropReason::kTcpMalformed;
  if (transport.offset + header > transport.end) return Cut(packet, DropReason::kTcpMalformed);
  packet.src_port = rte_be_to_cpu_16(tcp->src_port);
  packet.dst_port = rte_be_to_cpu_16(tcp->dst_port);
  packet.tcp_flags = tcp->tcp_flags;
  packet.tcp.seq = rte_be_to_cpu_32(tcp->sent_seq);
  packet.tcp.ack = rte_be_to_cpu_32(tcp->recv_ack);
  packet.tcp.window = rte_be_to_cpu_16(tcp->rx_win);
  packet.tcp.payload = packet.l4_length - header;
  if ((packet.tcp_flags & kTcpSyn) == 0) return DropReason::kNone;
  drop = reader.Check(transport.offset, header);
  if (drop != DropReason::kNone) return drop;
  packet.tcp.scale = TcpWindowScale(
      {reinterpret_cast<const uint8_t*>(tcp + 1), header - static_cast<uint32_t>(sizeof(*tcp))});
  return DropReason::kNone;
}

DropReason ReadUdp(const Reader& reader, const Transport& transport, Packet& packet) {
  if (transport.offset + sizeof(rte_udp_hdr) > transport.end) {
    return Cut(packet, DropReason::kUdpMalformed);
  }
  DropReason drop = DropReason::kNone;
  const auto* udp = reader.At<rte_udp_hdr>(transport.offset, &drop);
  if (udp == nullptr) return drop;
  const uint32_t length = rte_be_to_cpu_16(udp->dgram_len);
  const bool beyond = transport.offset + length > transport.end && !packet.fragment.present();
  if (length < sizeof(*udp) || beyond) return DropReason::kUdpMalformed;
  packet.src_port = rte_be_to_cpu_16(udp->src_port);
  packet.dst_port = rte_be_to_cpu_16(udp->dst_port);
  return DropReason::kNone;
}

DropReason ReadSctp(const Reader& reader, const Transport& transport, Packet& packet) {
  if (transport.offset + sizeof(rte_sctp_hdr) > transport.end) {
    return Cut(packet, DropReason::kSctpMalformed);
  }
  DropReason drop = DropReason::kNone;
  const auto* sctp = reader.At<rte_sctp_hdr>(transport.offset, &drop);
  if (sctp == nullptr) return drop;
  packet.src_port = rte_be_to_cpu_16(sctp->src_port);
  packet.dst_port = rte_be_to_cpu_16(sctp->dst_port);
  return DropReason::kNone;
}

// Of ICMP only echo comes in fragments: errors are never that long (RFC 1812, RFC 4443), and
// neighbour discovery must not have a fragment header at all (RFC 6980).
bool MustBeWhole(const Packet& packet, const Transport& transport) {
  if (transport.fragment_header && IsNeighbourDiscovery(packet)) return true;
  return packet.fragment.present() && packet.kind != PacketKind::kTracked;
}

// ICMP and ICMPv6 share the first eight bytes: type, code, checksum, and for echo the identifier.
DropReason ReadIcmp(const Reader& reader, const Transport& transport, Packet& packet) {
  if (transport.offset + sizeof(rte_icmp_hdr) > transport.end) {
    return Cut(packet, DropReason::kIcmpMalformed);
  }
  DropReason drop = DropReason::kNone;
  const auto* icmp = reader.At<rte_icmp_hdr>(transport.offset, &drop);
  if (icmp == nullptr) return drop;
  packet.icmp_type = icmp->icmp_type;
  packet.kind = KindOfIcmp(packet, icmp->icmp_code);
  if (MustBeWhole(packet, transport)) return DropReason::kFragmentIcmp;
  if (packet.kind == PacketKind::kTracked) {
    // The asking side has the identifier for a port: a request the other way is another connection.
    (IsEchoRequest(packet) ? packet.src_port : packet.dst_port) =
        rte_be_to_cpu_16(icmp->icmp_ident);
  }
  if (packet.kind != PacketKind::kNeighbour) return DropReason::kNone;
  const uint32_t fixed = NeighbourLength(icmp->icmp_type);
  if (packet.l4_length < fixed) return DropReason::kIcmpMalformed;
  // What guard reads of it.
  return reader.Check(transport.offset,
                      IsBoundedNeighbour(icmp->icmp_type) ? packet.l4_length : fixed);
}

// IGMP is to IPv4 what MLD is to IPv6: to a group it is not policy, else a protocol like any other.
DropReason ReadIgmp(const Reader& reader, const Transport& transport, Packet& packet) {
  constexpr uint32_t kIgmpLength = 8;
  if (packet.l4_length < kIgmpLength || packet.fragment.present()) return DropReason::kNone;
  DropReason drop = DropReason::kNone;
  const auto* type = reader.At<uint8_t>(transport.offset, &drop);
  if (type == nullptr) return drop;
  if (IsIgmp(*type) && packet.dst.IsMulticast()) packet.kind = PacketKind::kNeighbour;
  return DropReason::kNone;
}

DropReason ReadTransport(const Reader& reader, const Transport& transport, Packet& packet) {
  packet.kind = PacketKind::kTracked;
  packet.l4_offset = static_cast<uint16_t>(transport.offset);
  packet.l4_length = transport.end - transport.offset;
  if (packet.fragment.later()) return DropReason::kNone;
  switch (packet.protocol) {
    case IPPROTO_TCP:
      return ReadTcp(reader, transport, packet);
    case IPPROTO_UDP:
      return ReadUdp(reader, transport, packet);
    case IPPROTO_SCTP:
      return ReadSctp(reader, transport, packet);
    case IPPROTO_IGMP:
      if (packet.src.family == Family::kIpv6) return DropReason::kNone;
      return ReadIgmp(reader, transport, packet);
    case IPPROTO_ICMP:
      if (packet.src.family == Family::kIpv6) return DropReason::kIcmpMalformed;
      return ReadIcmp(reader, transport, packet);
    case IPPROTO_ICMPV6:
      if (packet.src.family == Family::kIpv4) return DropReason::kIcmpMalformed;
      return ReadIcmp(reader, transport, packet);
    default:
      return DropReason::kNone;
  }
}

DropReason Read(Packet& packet) {
  const Reader reader(packet.mbuf);
  DropReason drop = DropReason::kNone;
  const auto* ether = reader.At<rte_ether_hdr>(0, &drop);
  if (ether == nullptr) return drop;
  packet.src_mac = MacAddress::FromBytes(ether->src_addr.addr_bytes);
  packet.dst_mac = MacAddress::FromBytes(ether->dst_addr.addr_bytes);
  packet.l3_offset = sizeof(rte_ether_hdr);
  if (packet.src_mac.IsMulticast() || packet.src_mac.IsZero()) return DropReason::kEtherSource;
  if ((packet.mbuf->ol_flags & RTE_MBUF_F_RX_VLAN) != 0) return DropReason::kVlanNotAllowed;

  Transport transport;
  switch (rte_be_to_cpu_16(ether->ether_type)) {
    case RTE_ETHER_TYPE_ARP:
      return ReadArp(reader, packet);
    case RTE_ETHER_TYPE_RARP:
      return ReadRarp(reader, packet);
    case RTE_ETHER_TYPE_VLAN:
    case RTE_ETHER_TYPE_QINQ:
      return DropReason::kVlanNotAllowed;
    case RTE_ETHER_TYPE_IPV4:
      drop = ReadIpv4(reader, packet, transport);
      break;
    case RTE_ETHER_TYPE_IPV6:
      drop = ReadIpv6(reader, packet, transport);
      break;
    default:
      return DropReason::kEtherType;
  }
  if (drop == DropReason::kNone && BadSource(packet.src)) drop = DropReason::kIpSource;
  return drop == DropReason::kNone ? ReadTransport(reader, transport, packet) : drop;
}

}  // namespace

void ParsePacket(Packet& packet) { packet.drop = Read(packet); }

void Parse(Burst& burst) {
  burst.has_fragments = false;
  for (Packet& packet : burst.all()) {
    ParsePacket(packet);
    burst.has_fragments |= packet.fragment.present();
  }
}

acl::IpAddress NeighbourTarget(const Packet& packet) {
  if (!HasNeighbourTarget(packet.icmp_type)) return IpAddress{.family = Family::kIpv6};
  return IpAddress::FromBytes(
      Family::kIpv6, rte_pktmbuf_mtod_offset(packet.mbuf, const uint8_t*, packet.l4_offset) +
                         kNeighbourTargetOffset);
}

std::span<const uint8_t> NeighbourOptions(const Packet& packet) {
  if (!IsBoundedNeighbour(packet.icmp_type)) return {};
  const uint32_t fixed = NeighbourLength(packet.icmp_type);
  return {rte_pktmbuf_mtod_offset(packet.mbuf, const uint8_t*, packet.l4_offset + fixed),
          packet.l4_length - fixed};
}

}  // namespace sluice::dataplane
