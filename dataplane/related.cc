#include "dataplane/related.h"

#include <netinet/in.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "dataplane/icmp.h"
#include "dataplane/parse.h"
#include "dataplane/tcp_window.h"

namespace sluice::dataplane {
namespace {

using acl::Family;
using acl::IpAddress;

constexpr uint32_t kQuotedTransport = 8;  // RFC 792: at least so much of it is quoted

// What follows the ICMP header, as far as it lies in the first segment.
class QuoteReader {
 public:
  explicit QuoteReader(const Packet& packet) {
    const uint32_t start = packet.l4_offset + static_cast<uint32_t>(sizeof(rte_icmp_hdr));
    const uint32_t end = packet.l4_offset + packet.l4_length;
    const uint32_t readable = rte_pktmbuf_data_len(packet.mbuf);
    if (start > readable || start > end) return;
    data_ = rte_pktmbuf_mtod_offset(packet.mbuf, const uint8_t*, start);
    size_ = end - start;
    readable_ = std::min(readable - start, size_);
  }
  // `length` bytes at `offset`, or null with `drop` set.
  const uint8_t* At(uint32_t offset, uint32_t length, DropReason* drop) const {
    if (offset + length <= readable_) return data_ + offset;
    *drop = offset + length <= size_ ? DropReason::kHeaderSplit : DropReason::kIcmpMalformed;
    return nullptr;
  }

 private:
  const uint8_t* data_ = nullptr;
  uint32_t size_ = 0;
  uint32_t readable_ = 0;
};

uint16_t Get16(const uint8_t* bytes) { return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]); }
uint32_t Get32(const uint8_t* bytes) { return uint32_t{Get16(bytes)} << 16 | Get16(bytes + 2); }

// Both leave `offset` at the transport header.
DropReason ReadQuotedIpv4(const QuoteReader& reader, Quote& quote, uint32_t& offset) {
  DropReason drop = DropReason::kNone;
  const uint8_t* ip = reader.At(0, sizeof(rte_ipv4_hdr), &drop);
  if (ip == nullptr) return drop;
  const uint32_t header = (ip[0] & 0xfu) * 4;
  if (ip[0] >> 4 != 4 || header < sizeof(rte_ipv4_hdr)) return DropReason::kIcmpMalformed;
  if ((Get16(ip + 6) & RTE_IPV4_HDR_OFFSET_MASK) != 0) return DropReason::kIcmpUnrelated;
  quote.protocol = ip[9];
  quote.source = IpAddress::FromBytes(Family::kIpv4, ip + 12);
  quote.destination = IpAddress::FromBytes(Family::kIpv4, ip + 16);
  offset = header;
  return DropReason::kNone;
}

DropReason WalkQuotedExtensions(const QuoteReader& reader, Quote& quote, uint32_t& offset) {
  for (unsigned walked = 0;; ++walked) {
    switch (quote.protocol) {
      case IPPROTO_HOPOPTS:
      case IPPROTO_ROUTING:
      case IPPROTO_DSTOPTS:
      case IPPROTO_AH:
      case IPPROTO_FRAGMENT:
        break;
      default:
        return DropReason::kNone;
    }
    if (walked == kMaxIpv6Extensions) return DropReason::kIcmpMalformed;
    DropReason drop = DropReason::kNone;
    const uint8_t* extension = reader.At(offset, 8, &drop);  // none is shorter
    if (extension == nullptr) return drop;
    constexpr uint16_t kFragmentOffset = 0xfff8;
    const bool fragment = quote.protocol == IPPROTO_FRAGMENT;
    if (fragment && (Get16(extension + 2) & kFragmentOffset) != 0) {
      return DropReason::kIcmpUnrelated;
    }
    const uint32_t units = extension[1];
    const uint32_t long_form = quote.protocol == IPPROTO_AH ? (units + 2) * 4 : (units + 1) * 8;
    quote.protocol = extension[0];
    offset += fragment ? 8 : long_form;
  }
}

DropReason ReadQuotedIpv6(const QuoteReader& reader, Quote& quote, uint32_t& offset) {
  DropReason drop = DropReason::kNone;
  const uint8_t* ip = reader.At(0, sizeof(rte_ipv6_hdr), &drop);
  if (ip == nullptr) return drop;
  if (ip[0] >> 4 != 6) return DropReason::kIcmpMalformed;
  quote.protocol = ip[6];
  quote.source = IpAddress::FromBytes(Family::kIpv6, ip + 8);
  quote.destination = IpAddress::FromBytes(Family::kIpv6, ip + 24);
  offset = sizeof(rte_ipv6_hdr);
  return WalkQuotedExtensions(reader, quote, offset);
}

// An echo's identifier stands on the asking side, as Parse puts it. No error is about an error.
DropReason ReadQuotedEcho(const uint8_t* icmp, Quote& quote) {
  const bool v4 = quote.source.family == Family::kIpv4;
  if (v4 != (quote.protocol == IPPROTO_ICMP)) return DropReason::kIcmpUnrelated;
  const bool request = icmp[0] == (v4 ? kIcmpEchoRequest : kIcmp6EchoRequest);
  const bool reply = icmp[0] == (v4 ? kIcmpEchoReply : kIcmp6EchoReply);
  if (!request && !reply) return DropReason::kIcmpUnrelated;
  (request ? quote.source_port : quote.destination_port) = Get16(icmp + 4);
  return DropReason::kNone;
}

}  // namespace

DropReason ReadQuote(const Packet& packet, Quote& quote) {
  const QuoteReader reader(packet);
  uint32_t offset = 0;
  DropReason drop = packet.protocol == IPPROTO_ICMP ? ReadQuotedIpv4(reader, quote, offset)
                                                    : ReadQuotedIpv6(reader, quote, offset);
  if (drop != DropReason::kNone) return drop;
  if (quote.source != packet.dst) return DropReason::kIcmpUnrelated;
  switch (quote.protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      break;
    default:
      return DropReason::kNone;
  }
  const uint8_t* transport = reader.At(offset, kQuotedTransport, &drop);
  if (transport == nullptr) return drop;
  if (quote.protocol == IPPROTO_ICMP || quote.protocol == IPPROTO_ICMPV6) {
    return ReadQuotedEcho(transport, quote);
  }
  quote.source_port = Get16(transport);
  quote.destination_port = Get16(transport + 2);
  quote.number = Get32(transport + 4);
  return DropReason::kNone;
}

bool NumberFits(const Connection& connection, bool sent_by_b, uint32_t number) {
  if (connection.key.protocol != IPPROTO_TCP) return true;
  return MayBeInFlight(LoadSide(connection.Sent(sent_by_b)), LoadSide(connection.Sent(!sent_by_b)),
                       number);
}

}  // namespace sluice::dataplane
