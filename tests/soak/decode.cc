#include <fmt/format.h>
#include <netinet/in.h>

#include <optional>

#include "tests/soak/wire.h"

namespace sluice::soak {
namespace {

using acl::Family;

constexpr uint16_t kIpv4Type = 0x0800, kArpType = 0x0806, kIpv6Type = 0x86dd;
constexpr size_t kEthernet = 14;

// Reads without going beyond the end: bytes that are not there are zero, and `short_` is set.
class Reader {
 public:
  explicit Reader(const Bytes& bytes) : bytes_(bytes) {}
  uint8_t U8(size_t at) {
    if (at < bytes_.size()) return bytes_[at];
    short_ = true;
    return 0;
  }
  uint16_t U16(size_t at) { return static_cast<uint16_t>(U8(at) << 8 | U8(at + 1)); }
  uint32_t U32(size_t at) { return uint32_t{U16(at)} << 16 | U16(at + 2); }
  IpAddress Address(Family family, size_t at) {
    uint8_t copy[16];
    for (size_t i = 0; i < 16; ++i)
      copy[i] = i < (family == Family::kIpv4 ? 4u : 16u) ? U8(at + i) : 0;
    return IpAddress::FromBytes(family, copy);
  }
  bool was_short() const { return short_; }

 private:
  const Bytes& bytes_;
  bool short_ = false;
};

// Where the transport header begins and how much there is from there on.
struct Inner {
  size_t at = 0, length = 0;
};

std::optional<Inner> DecodeIpv4(Reader& in, size_t at, size_t frame_size, Decoded& out) {
  const size_t header = (in.U8(at) & 15) * size_t{4}, total = in.U16(at + 2);
  if (in.U8(at) >> 4 != 4 || header < 20 || total < header || at + total > frame_size) return {};
  const uint16_t fragment = in.U16(at + 6);
  out.is_fragment = (fragment & 0x3fff) != 0;
  out.later_fragment = (fragment & 0x1fff) != 0;
  out.fragment_id = in.U16(at + 4);
  out.tuple.protocol = in.U8(at + 9);
  out.tuple.src = in.Address(Family::kIpv4, at + 12);
  out.tuple.dst = in.Address(Family::kIpv4, at + 16);
  return Inner{at + header, total - header};
}

std::optional<Inner> DecodeIpv6(Reader& in, size_t at, size_t frame_size, Decoded& out) {
  const size_t end = at + 40 + in.U16(at + 4);
  if (in.U8(at) >> 4 != 6 || end > frame_size) return {};
  out.tuple.src = in.Address(Family::kIpv6, at + 8);
  out.tuple.dst = in.Address(Family::kIpv6, at + 24);
  uint8_t next = in.U8(at + 6);
  size_t here = at + 40;
  // Mobility, HIP and shim6 headers are protocols to policy, by their number.
  while (next == 0 || next == 43 || next == 44 || next == 51 || next == 60) {
    if (out.later_fragment) break;
    size_t length = 8 + in.U8(here + 1) * size_t{8};
    if (next == 51) length = (in.U8(here + 1) + size_t{2}) * 4;
    if (next == 44) {
      length = 8;
      out.is_fragment = true;
      out.later_fragment = (in.U16(here + 2) & 0xfff8) != 0;
      out.fragment_id = in.U32(here + 4);
    }
    if (here + length > end) return {};
    next = in.U8(here);
    here += length;
  }
  out.tuple.protocol = next;
  return Inner{here, end - here};
}

// The packet that an ICMP error quotes, as far as it goes.
std::optional<Tuple> DecodeQuoted(const Bytes& frame, size_t at, Family family) {
  Reader in(frame);
  Decoded quoted;
  const size_t anywhere = SIZE_MAX / 2;  // a quotation is cut short: lengths reach beyond it
  const auto inner = family == Family::kIpv4 ? DecodeIpv4(in, at, anywhere, quoted)
                                             : DecodeIpv6(in, at, anywhere, quoted);
  if (!inner || in.was_short() || quoted.later_fragment) return {};
  Tuple& tuple = quoted.tuple;
  const bool icmp = tuple.protocol == IPPROTO_ICMP || tuple.protocol == IPPROTO_ICMPV6;
  tuple.src_port = in.U16(inner->at + (icmp ? 4 : 0));
  tuple.dst_port = icmp ? tuple.src_port : in.U16(inner->at + 2);
  return in.was_short() ? std::nullopt : std::optional(tuple);
}

bool IsNeighbour(const Decoded& packet, uint8_t code, size_t length) {
  const uint8_t type = packet.icmp_type;
  if (packet.tuple.protocol != IPPROTO_ICMPV6 || code != 0) return false;
  const bool group = packet.tuple.dst.IsMulticast();
  if (type >= 130 && type <= 132) return group;
  if (type == 143) return group;
  if (type == 133) return group && length <= 8 + 32;
  if (type == 135 || type == 136) return length <= 24 + 32;
  return type == 134 || type == 137;
}

bool DecodeTransport(Reader& in, const Bytes& frame, const Inner& inner, uint8_t family,
                     Decoded& out) {
  const size_t at = inner.at, length = inner.length;
  Tuple& tuple = out.tuple;
  switch (tuple.protocol) {
    case IPPROTO_TCP: {
      if (length < 20) return false;
      const size_t header = (in.U8(at + 12) >> 4) * size_t{4};
      out.tcp_flags = in.U8(at + 13) & 0x17;
      const uint8_t f = out.tcp_flags;
      const bool possible = (f & (kSyn | kRst | kAck)) != 0 &&
                            !((f & kSyn) && (f & (kFin | kRst))) && !((f & kFin) && !(f & kAck));
      if (header < 20 || header > length || !possible) return false;
      break;
    }
    case IPPROTO_UDP:
      if (length < 8 || in.U16(at + 4) < 8) return false;
      if (!out.is_fragment && in.U16(at + 4) > length) return false;
      break;
    case IPPROTO_SCTP:
      if (length < 12) return false;
      break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: {
      if (length < 8) return false;
      out.icmp_type = in.U8(at);
      if (out.EchoRequest() || out.EchoReply()) {
        tuple.src_port = tuple.dst_port = in.U16(at + 4);
      } else {
        out.quoted = DecodeQuoted(frame, at + 8, static_cast<Family>(family));
      }
      if (IsNeighbour(out, in.U8(at + 1), length)) out.kind = Kind::kNeighbour;
      return true;
    }
    default:
      return true;
  }
  tuple.src_port = in.U16(at);
  tuple.dst_port = in.U16(at + 2);
  return true;
}

}  // namespace

std::string Tuple::ToString() const {
  return fmt::format("{} {} {} -> {} {}", protocol, src.ToString(), src_port, dst.ToString(),
                     dst_port);
}

bool Decoded::EchoRequest() const {
  return (tuple.protocol == IPPROTO_ICMP && icmp_type == 8) ||
         (tuple.protocol == IPPROTO_ICMPV6 && icmp_type == 128);
}
bool Decoded::EchoReply() const {
  return (tuple.protocol == IPPROTO_ICMP && icmp_type == 0) ||
         (tuple.protocol == IPPROTO_ICMPV6 && icmp_type == 129);
}

Decoded Decode(const Bytes& frame) {
  Decoded out;
  Reader in(frame);
  const uint16_t type = in.U16(12);
  if (in.was_short()) return out;
  out.dst_mac = MacAddress::FromBytes(&frame[0]);
  out.src_mac = MacAddress::FromBytes(&frame[6]);
  if (type == kArpType) {
    out.tuple.src = in.Address(Family::kIpv4, kEthernet + 14);
    out.tuple.dst = in.Address(Family::kIpv4, kEthernet + 24);
    if (!in.was_short()) out.kind = Kind::kArp;
    return out;
  }
  std::optional<Inner> inner;
  if (type == kIpv4Type) inner = DecodeIpv4(in, kEthernet, frame.size(), out);
  if (type == kIpv6Type) inner = DecodeIpv6(in, kEthernet, frame.size(), out);
  if (!inner || in.was_short()) return out;
  out.kind = Kind::kIp;
  if (out.later_fragment) return out;
  const bool good = DecodeTransport(in, frame, *inner, type == kIpv4Type ? 4 : 6, out);
  if (!good || in.was_short()) out.kind = Kind::kMalformed;
  return out;
}

}  // namespace sluice::soak
