// Builds Ethernet frames for tests, fluently:
//
//   Frame().Ether(mac_a, mac_b).Ip("10.0.0.1", "10.0.0.2").Tcp(1234, 80, kTcpSyn).bytes()
//
// Lengths and checksums are right unless a test breaks them on purpose with Set8/Set16/Truncate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "acl/address.h"
#include "dataplane/mac_address.h"

namespace sluice::test {

// Of letters: S, A, F; R or any other is RST.
uint8_t TcpFlags(std::string_view letters);

class Frame {
 public:
  Frame& Ether(const dataplane::MacAddress& from, const dataplane::MacAddress& to);
  Frame& Vlan(uint16_t id);  // before Ip or Arp
  // IPv4 or IPv6 by the addresses' family; CHECKs that both parse and agree.
  Frame& Ip(std::string_view from, std::string_view to);
  Frame& HopLimit(uint8_t hops);
  Frame& Extension(uint8_t type, uint8_t units_of_8 = 1);  // IPv6, in order
  // Numbers of the Tcp that follows. Without: those of a conversation in which each side began at 0
  // and said nothing yet, so that a handshake, data and FINs written without numbers fit.
  Frame& Seq(uint32_t seq, uint32_t ack);
  Frame& Window(uint16_t window);                    // 65535
  Frame& Options(std::vector<uint8_t> tcp_options);  // padded to a multiple of 4
  Frame& Tcp(uint16_t from, uint16_t to, uint8_t flags, std::string_view payload = "");
  Frame& Udp(uint16_t from, uint16_t to, std::string_view payload = "");
  Frame& Sctp(uint16_t from, uint16_t to);         // an INIT
  Frame& Echo(bool request, uint16_t identifier);  // ICMP or ICMPv6 by family
  Frame& Icmp(uint8_t type, uint8_t code, std::string_view body = std::string_view("\0\0\0\0", 4));
  Frame& Neighbour(uint8_t type, std::string_view target);  // NS, NA
  Frame& Protocol(uint8_t protocol, std::string_view payload);
  Frame& Arp(uint16_t operation, const dataplane::MacAddress& sender_mac,
             std::string_view sender_ip, std::string_view target_ip);
  Frame& Rarp(const dataplane::MacAddress& mac);  // QEMU's announcement of a guest

  // Byte offsets into the finished frame; the IP header starts at 14.
  Frame& Set8(size_t offset, uint8_t value);
  Frame& Set16(size_t offset, uint16_t value);
  Frame& Truncate(size_t length);

  const std::vector<uint8_t>& bytes();

 private:
  void Append(const void* data, size_t size);
  void Transport(uint8_t protocol, const std::vector<uint8_t>& segment);

  std::vector<uint8_t> bytes_;
  acl::IpAddress source_, destination_;
  uint8_t hop_limit_ = 64;
  std::optional<std::pair<uint32_t, uint32_t>> numbers_;
  uint16_t window_ = 0xffff;
  std::vector<uint8_t> tcp_options_;
  std::vector<std::pair<uint8_t, uint8_t>> extension_chain_;  // type, units
};

}  // namespace sluice::test
