#include <fmt/format.h>
#include <netinet/in.h>
#include <rte_ip.h>

#include <optional>

#include "tests/soak/wire.h"

namespace sluice::soak {
namespace {

constexpr uint16_t kIpv4Type = 0x0800, kArpType = 0x0806, kIpv6Type = 0x86dd;

void Put16(Bytes& out, size_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}
void Put32(Bytes& out, uint32_t value) {
  Put16(out, value >> 16);
  Put16(out, value & 0xffff);
}
void PutAddress(Bytes& out, const IpAddress& address) {
  out.insert(out.end(), address.bytes.begin(), address.bytes.begin() + address.bits() / 8);
}
void PutEthernet(Bytes& out, const MacAddress& src, const MacAddress& dst, uint16_t type) {
  out.insert(out.end(), dst.bytes.begin(), dst.bytes.end());
  out.insert(out.end(), src.bytes.begin(), src.bytes.end());
  Put16(out, type);
}

Bytes Transport(const PacketSpec& spec) {
  Bytes out;
  switch (spec.tuple.protocol) {
    case IPPROTO_TCP:
      Put16(out, spec.tuple.src_port);
      Put16(out, spec.tuple.dst_port);
      Put32(out, spec.seq);
      Put32(out, spec.ack);
      out.insert(out.end(), {0x50, spec.tcp_flags});
      Put16(out, spec.window);
      Put32(out, 0);
      break;
    case IPPROTO_UDP:
      Put16(out, spec.tuple.src_port);
      Put16(out, spec.tuple.dst_port);
      Put16(out, 8 + spec.payload.size());
      Put16(out, 0);
      break;
    case IPPROTO_SCTP:
      Put16(out, spec.tuple.src_port);
      Put16(out, spec.tuple.dst_port);
      Put32(out, 0);
      Put32(out, 0);
      break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      out = {spec.icmp_type, spec.icmp_code, 0, 0};
      Put16(out, spec.tuple.src_port);
      Put16(out, spec.icmp_sequence);
      break;
    default:
      break;
  }
  out.insert(out.end(), spec.payload.begin(), spec.payload.end());
  return out;
}

// Where the transport header has its checksum; nothing for protocols whose sum we do not know.
std::optional<size_t> ChecksumOffset(uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return 16;
    case IPPROTO_UDP:
      return 6;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return 2;
    default:
      return std::nullopt;
  }
}

void FillChecksum(const PacketSpec& spec, const Bytes& pseudo, Bytes& transport) {
  const auto offset = ChecksumOffset(spec.tuple.protocol);
  if (!offset || transport.size() < *offset + 2) return;
  Bytes summed = spec.tuple.protocol == IPPROTO_ICMP ? Bytes{} : pseudo;
  summed.insert(summed.end(), transport.begin(), transport.end());
  uint16_t sum = static_cast<uint16_t>(~rte_raw_cksum(summed.data(), summed.size()));
  if (sum == 0 && spec.tuple.protocol == IPPROTO_UDP) sum = 0xffff;
  std::memcpy(&transport[*offset], &sum, 2);
}

Bytes Pseudo(const PacketSpec& spec, size_t length) {
  Bytes out;
  PutAddress(out, spec.tuple.src);
  PutAddress(out, spec.tuple.dst);
  Put32(out, static_cast<uint32_t>(length));
  Put32(out, spec.tuple.protocol);
  return out;
}

Bytes Ipv4Header(const PacketSpec& spec, size_t length) {
  Bytes out = {0x45, 0};
  Put16(out, 20 + length);
  Put16(out, spec.fragment_id & 0xffff);
  Put16(out, spec.fragment_field);
  out.insert(out.end(), {spec.hop_limit, spec.tuple.protocol, 0, 0});
  PutAddress(out, spec.tuple.src);
  PutAddress(out, spec.tuple.dst);
  const uint16_t sum = static_cast<uint16_t>(~rte_raw_cksum(out.data(), out.size()));
  std::memcpy(&out[10], &sum, 2);
  return out;
}

Bytes Ipv6Header(const PacketSpec& spec, size_t length) {
  std::vector<uint8_t> chain = spec.extensions;
  const bool fragment = spec.fragment_field != 0;
  if (fragment) chain.push_back(IPPROTO_FRAGMENT);
  chain.push_back(spec.tuple.protocol);
  Bytes out = {0x60, 0, 0, 0};
  Put16(out, 8 * (chain.size() - 1) + length);
  out.insert(out.end(), {chain[0], spec.hop_limit});
  PutAddress(out, spec.tuple.src);
  PutAddress(out, spec.tuple.dst);
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    out.insert(out.end(), {chain[i + 1], 0});
    if (chain[i] == IPPROTO_FRAGMENT) {
      Put16(out, (spec.fragment_field & 0x1fff) << 3 | (spec.fragment_field & 0x2000) >> 13);
      Put32(out, spec.fragment_id);
    } else {
      out.insert(out.end(), {1, 4, 0, 0, 0, 0});  // PadN
    }
  }
  return out;
}

}  // namespace

uint8_t IcmpOf(acl::Family family) {
  if (family == acl::Family::kIpv4) return IPPROTO_ICMP;
  return IPPROTO_ICMPV6;
}

Bytes EncodeIp(const PacketSpec& spec) {
  Bytes transport = Transport(spec);
  FillChecksum(spec, Pseudo(spec, transport.size()), transport);
  Bytes out = spec.tuple.src.family == acl::Family::kIpv4 ? Ipv4Header(spec, transport.size())
                                                          : Ipv6Header(spec, transport.size());
  out.insert(out.end(), transport.begin(), transport.end());
  return out;
}

Bytes Encode(const PacketSpec& spec) {
  Bytes frame;
  const bool v4 = spec.tuple.src.family == acl::Family::kIpv4;
  PutEthernet(frame, spec.src_mac, spec.dst_mac, v4 ? kIpv4Type : kIpv6Type);
  const Bytes packet = EncodeIp(spec);
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

Bytes EncodeArp(const MacAddress& src_mac, const MacAddress& dst_mac, uint16_t operation,
                const MacAddress& sender_mac, const IpAddress& sender, const IpAddress& target) {
  Bytes frame;
  PutEthernet(frame, src_mac, dst_mac, kArpType);
  Put16(frame, 1);
  Put16(frame, kIpv4Type);
  frame.insert(frame.end(), {6, 4});
  Put16(frame, operation);
  frame.insert(frame.end(), sender_mac.bytes.begin(), sender_mac.bytes.end());
  PutAddress(frame, sender);
  frame.insert(frame.end(), 6, 0);
  PutAddress(frame, target);
  return frame;
}

std::string Hex(const Bytes& bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    text += fmt::format("{}{:02x}", i == 0 ? "" : (i % 16 == 0 ? "\n" : " "), bytes[i]);
  }
  return text;
}

}  // namespace sluice::soak
