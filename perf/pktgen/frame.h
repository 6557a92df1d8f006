// Ethernet frames as bytes: reading untrusted ones, building ours.
//
// The only reader and writer of raw Ethernet and IP headers in the generator. Header layouts and
// checksums are DPDK's (<rte_ip.h> and friends); what the payloads mean is for arp_nd.h,
// tcp_segment.h and HostStack.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "acl/address.h"
#include "dataplane/mac_address.h"

namespace sluice::pktgen {

using Bytes = std::span<const uint8_t>;
using Frame = std::vector<uint8_t>;  // from the Ethernet header on, without FCS
using acl::Family;
using acl::IpAddress;
using dataplane::MacAddress;

// X(constant, name): every frame is of exactly one kind.
#define SLUICE_FRAME_KINDS(X)                                       \
  X(kArp, "arp")                                                    \
  X(kNd, "nd")              /* ICMPv6 router/neighbour discovery */ \
  X(kTcpSyn, "tcp_syn")     /* SYN without ACK */                   \
  X(kTcpOther, "tcp_other") /* any other TCP */                     \
  X(kUdp, "udp")                                                    \
  X(kIcmp, "icmp") /* ICMP, and ICMPv6 but discovery */             \
  X(kOther, "other")

enum class FrameKind : uint8_t {
#define SLUICE_X(constant, name) constant,
  SLUICE_FRAME_KINDS(SLUICE_X)
#undef SLUICE_X
};

// A frame as read. Views borrow from the frame it was read from.
struct ParsedFrame {
  FrameKind kind = FrameKind::kOther;
  bool malformed = false;     // a header is cut short or lies about a length; then kind is kOther
  bool bad_checksum = false;  // IPv4 header, TCP, UDP, ICMP
  MacAddress dst_mac, src_mac;
  IpAddress src, dst;     // of IP frames
  uint8_t protocol = 0;   // of IP frames; 0 otherwise (fragments too)
  uint8_t hop_limit = 0;  // of IP frames
  Bytes payload;          // ARP message, or the layer 4 header and what follows, padding cut off
};

// Never reads beyond `frame`. IPv6 extension headers are not followed: such a frame is kOther.
ParsedFrame ParseFrame(Bytes frame);

// From whom to whom.
struct Path {
  MacAddress src_mac, dst_mac;
  IpAddress src, dst;  // of one family
};

// `l4` is the layer 4 header, its checksum zero, and what follows; at most 65,000 bytes. All
// checksums are filled in. `protocol` is IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP or IPPROTO_ICMPV6.
Frame BuildIpFrame(const Path& path, uint8_t protocol, Bytes l4, uint8_t hop_limit = 64);
// Ports are in host order.
Frame BuildUdpFrame(const Path& path, uint16_t src_port, uint16_t dst_port, Bytes payload);
// An ICMP or ICMPv6 echo request or reply, as the family of `path` says.
Frame BuildEchoFrame(const Path& path, bool reply, uint16_t identifier, uint16_t sequence,
                     Bytes payload);

// The T at `offset`, or nothing if it does not fit.
template <typename T>
std::optional<T> Load(Bytes bytes, size_t offset = 0) {
  if (bytes.size() < offset || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

inline void Append(Frame& frame, Bytes bytes) {
  const size_t end = frame.size();
  frame.resize(end + bytes.size());
  if (!bytes.empty()) std::memcpy(frame.data() + end, bytes.data(), bytes.size());
}

// The bytes of a header.
template <typename T>
void AppendHeader(Frame& frame, const T& value) {
  Append(frame, Bytes(reinterpret_cast<const uint8_t*>(&value), sizeof(T)));
}

}  // namespace sluice::pktgen
