// What the soak knows of packets: an encoder and a decoder of its own.
//
// Shares nothing with dataplane/parse but the RFCs, and is as slow as it looks: what the switch
// lets through is read here a second time. The decoder calls malformed only what no reader of the
// RFCs could accept; everything doubtful counts as fine, so that a difference is a finding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "acl/address.h"
#include "dataplane/mac_address.h"

namespace sluice::soak {

using acl::IpAddress;
using dataplane::MacAddress;
using Bytes = std::vector<uint8_t>;

// ICMP echo: the identifier is both ports. Protocols without ports, and later fragments: 0.
struct Tuple {
  uint8_t protocol = 0;
  IpAddress src, dst;
  uint16_t src_port = 0, dst_port = 0;

  Tuple Reversed() const { return {protocol, dst, src, dst_port, src_port}; }
  std::string ToString() const;
  auto operator<=>(const Tuple&) const = default;
};

// ICMP or ICMPv6.
uint8_t IcmpOf(acl::Family family);

inline constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16;

// What Encode writes; fields that the protocol does not have are ignored.
struct PacketSpec {
  MacAddress src_mac, dst_mac;
  Tuple tuple;
  uint8_t tcp_flags = kSyn;
  uint32_t seq = 0, ack = 0;
  uint16_t window = 65535;
  uint8_t icmp_type = 0, icmp_code = 0;
  uint16_t icmp_sequence = 0;
  uint8_t hop_limit = 64;
  uint16_t fragment_field = 0;  // IPv4 flags and offset as on the wire; IPv6: a fragment header
  uint32_t fragment_id = 0;
  std::vector<uint8_t> extensions;  // IPv6: types of 8-byte headers, in order
  Bytes payload;                    // after the transport header
};
// Lengths and checksums are right. Returns the frame.
Bytes Encode(const PacketSpec& spec);
// As Encode, from the IP header on: what an ICMP error quotes.
Bytes EncodeIp(const PacketSpec& spec);
Bytes EncodeArp(const MacAddress& src_mac, const MacAddress& dst_mac, uint16_t operation,
                const MacAddress& sender_mac, const IpAddress& sender, const IpAddress& target);

enum class Kind : uint8_t { kMalformed, kArp, kNeighbour, kIp };

struct Decoded {
  Kind kind = Kind::kMalformed;
  MacAddress src_mac, dst_mac;
  Tuple tuple;  // ARP: sender and target
  uint8_t tcp_flags = 0, icmp_type = 0;
  bool is_fragment = false, later_fragment = false;
  uint32_t fragment_id = 0;
  std::optional<Tuple> quoted;  // of an ICMP error: the packet it is about

  bool EchoRequest() const;
  bool EchoReply() const;
};
Decoded Decode(const Bytes& frame);

std::string Hex(const Bytes& bytes);

}  // namespace sluice::soak
