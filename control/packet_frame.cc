#include "control/packet_frame.h"

#include <fmt/core.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

using acl::Family;
using acl::IpAddress;
using Bytes = std::vector<uint8_t>;
using dataplane::MacAddress;

constexpr MacAddress kNobody{{0x02, 0xff, 0xff, 0xff, 0xff, 0xfe}};
constexpr uint8_t kEchoRequest4 = 8, kEchoReply4 = 0, kEchoRequest6 = 128, kEchoReply6 = 129;

void Put16(Bytes& bytes, uint32_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}
void Put32(Bytes& bytes, uint32_t value) {
  Put16(bytes, value >> 16);
  Put16(bytes, value);
}
void Put(Bytes& bytes, const IpAddress& address) {
  bytes.insert(bytes.end(), address.bytes.begin(), address.bytes.begin() + address.bits() / 8);
}
void Set16(Bytes& bytes, size_t offset, uint16_t value) {
  bytes[offset] = static_cast<uint8_t>(value >> 8);
  bytes[offset + 1] = static_cast<uint8_t>(value);
}

// RFC 1071.
uint16_t Checksum(const Bytes& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

struct Addresses {
  IpAddress from, to;
};

// What an end may stand for.
absl::StatusOr<std::vector<IpAddress>> AddressesOf(const PacketEnd& end, const View& view) {
  if (end.host.find('/') == std::string::npos) {
    auto address = IpAddress::Parse(end.host);
    if (address.ok()) return std::vector{*address};
    return absl::InvalidArgumentError(
        fmt::format("packet: \"{}\" is neither an IP address nor NAMESPACE/POD", end.host));
  }
  for (const auto& [name, spec] : view.state->ports().specs()) {
    if (spec.pod_namespace + "/" + spec.pod_name == end.host) return spec.addresses;
  }
  for (const acl::Endpoint& endpoint : view.policy->input->endpoints) {
    if (endpoint.namespace_name + "/" + endpoint.name == end.host) return endpoint.addresses;
  }
  return absl::InvalidArgumentError(fmt::format("packet: there is no pod {}", end.host));
}

absl::StatusOr<Addresses> Resolve(const PacketText& packet, const View& view) {
  const auto from = AddressesOf(packet.from, view);
  if (!from.ok()) return from.status();
  const auto to = AddressesOf(packet.to, view);
  if (!to.ok()) return to.status();
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto source = std::ranges::find(*from, family, &IpAddress::family);
    const auto destination = std::ranges::find(*to, family, &IpAddress::family);
    if (source != from->end() && destination != to->end()) return Addresses{*source, *destination};
  }
  return absl::InvalidArgumentError(fmt::format("packet: {} and {} have no address of one family",
                                                packet.from.host, packet.to.host));
}

MacAddress SourceMac(const dataplane::PortView& port) {
  return port.mac.IsZero() ? kNobody : port.mac;
}

MacAddress DestinationMac(const IpAddress& to, const View& view, dataplane::NetworkId network) {
  const auto& b = to.bytes;
  if (to.IsLimitedBroadcast()) return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
  if (to.IsMulticast() && to.family == Family::kIpv4) {  // RFC 1112
    return {{0x01, 0, 0x5e, static_cast<uint8_t>(b[1] & 0x7f), b[2], b[3]}};
  }
  if (to.IsMulticast()) return {{0x33, 0x33, b[12], b[13], b[14], b[15]}};  // RFC 2464
  for (const dataplane::PortView& port : view.snapshot->ports) {
    if (!port.in_use || port.network != network) continue;
    if (std::ranges::find(port.addresses, to) != port.addresses.end()) return port.mac;
  }
  return kNobody;
}

void PutTcp(const PacketText& packet, Bytes& segment) {
  Put32(segment, packet.seq);
  Put32(segment, (packet.tcp_flags & 0x10) != 0 ? packet.ackno : 0);
  Put16(segment, 5u << 12 | packet.tcp_flags);
  Put16(segment, 0xffff);  // window
  Put32(segment, 0);       // checksum, urgent pointer
}

// An INIT chunk (RFC 9260, 3.3.2) with verification tag 0.
void PutSctpInit(Bytes& segment) {
  Put32(segment, 0);  // verification tag
  Put32(segment, 0);  // CRC32c: nobody in the switch checks it
  Put32(segment, 1u << 24 | 20);
  Put32(segment, 1);             // initiate tag
  Put32(segment, 0x1'0000);      // a_rwnd
  Put32(segment, 1u << 16 | 1);  // streams
  Put32(segment, 1);             // initial TSN
}

Bytes Segment(const PacketText& packet, uint8_t protocol) {
  Bytes segment;
  if (packet.icmp) {
    const bool v4 = protocol == IPPROTO_ICMP;
    segment.push_back(packet.reply ? (v4 ? kEchoReply4 : kEchoReply6)
                                   : (v4 ? kEchoRequest4 : kEchoRequest6));
    segment.push_back(0);
    Put16(segment, 0);
    Put16(segment, packet.id);
    Put16(segment, 1);  // sequence number
  } else if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP) {
    Put16(segment, packet.from.port);
    Put16(segment, packet.to.port);
  }
  if (protocol == IPPROTO_TCP) PutTcp(packet, segment);
  if (protocol == IPPROTO_SCTP) PutSctpInit(segment);
  if (protocol == IPPROTO_UDP) {
    Put16(segment, 8u + packet.length);
    Put16(segment, 0);
  }
  segment.resize(segment.size() + packet.length);
  return segment;
}

// Sums the segment with its pseudo-header, where the protocol wants that.
void SetChecksum(Bytes& segment, uint8_t protocol, const Addresses& addresses) {
  const size_t offset = protocol == IPPROTO_TCP                                  ? 16
                        : protocol == IPPROTO_UDP                                ? 6
                        : protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 ? 2
                                                                                 : 0;
  if (offset == 0) return;
  Bytes summed;
  if (protocol != IPPROTO_ICMP) {
    Put(summed, addresses.from);
    Put(summed, addresses.to);
    Put32(summed, static_cast<uint32_t>(segment.size()));
    Put32(summed, protocol);
  }
  summed.insert(summed.end(), segment.begin(), segment.end());
  const uint16_t sum = Checksum(summed);
  Set16(segment, offset, sum == 0 && protocol == IPPROTO_UDP ? 0xffff : sum);
}

void PutIp(Bytes& frame, const PacketText& packet, uint8_t protocol, const Addresses& addresses,
           size_t payload) {
  if (addresses.from.family == Family::kIpv4) {
    Bytes header;
    Put16(header, 0x4500);
    Put16(header, static_cast<uint32_t>(20 + payload));
    Put32(header, 0);
    Put16(header, static_cast<uint32_t>(packet.ttl) << 8 | protocol);
    Put16(header, 0);
    Put(header, addresses.from);
    Put(header, addresses.to);
    Set16(header, 10, Checksum(header));
    frame.insert(frame.end(), header.begin(), header.end());
    return;
  }
  Put32(frame, 6u << 28);
  Put16(frame, static_cast<uint32_t>(payload));
  Put16(frame, static_cast<uint32_t>(protocol) << 8 | packet.ttl);
  Put(frame, addresses.from);
  Put(frame, addresses.to);
}

}  // namespace

absl::StatusOr<Bytes> MakeFrame(const PacketText& packet, const std::string& port,
                                const View& view) {
  if (!packet.raw.empty()) return packet.raw;
  const auto addresses = Resolve(packet, view);
  if (!addresses.ok()) return addresses.status();
  const dataplane::PortView& in = view.snapshot->ports[view.places.at(port).attached.id];
  const MacAddress source = packet.from.mac.value_or(SourceMac(in));
  const MacAddress destination =
      packet.to.mac ? *packet.to.mac : DestinationMac(addresses->to, view, in.network);
  const bool v4 = addresses->from.family == Family::kIpv4;
  const uint8_t icmp = v4 ? uint8_t{IPPROTO_ICMP} : uint8_t{IPPROTO_ICMPV6};
  const uint8_t protocol = packet.icmp ? icmp : packet.protocol;
  Bytes segment = Segment(packet, protocol);
  SetChecksum(segment, protocol, *addresses);

  Bytes frame(destination.bytes.begin(), destination.bytes.end());
  frame.insert(frame.end(), source.bytes.begin(), source.bytes.end());
  Put16(frame, v4 ? 0x0800 : 0x86dd);
  PutIp(frame, packet, protocol, *addresses, segment.size());
  frame.insert(frame.end(), segment.begin(), segment.end());
  return frame;
}

absl::StatusOr<std::pair<IpAddress, IpAddress>> ResolveEnds(const PacketText& packet,
                                                            const View& view) {
  const auto ends = Resolve(packet, view);
  if (!ends.ok()) return ends.status();
  return std::pair(ends->from, ends->to);
}

}  // namespace sluice::control
