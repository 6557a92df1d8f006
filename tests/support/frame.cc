#include "tests/support/frame.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include <cstring>

#include "dataplane/packet.h"

namespace sluice::test {
namespace {

void Put16(std::vector<uint8_t>& out, uint16_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

void Put32(std::vector<uint8_t>& out, uint32_t value) {
  Put16(out, static_cast<uint16_t>(value >> 16));
  Put16(out, static_cast<uint16_t>(value));
}

void PutText(std::vector<uint8_t>& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

acl::IpAddress MustParse(std::string_view text) {
  const auto address = acl::IpAddress::Parse(text);
  if (!address.ok()) ADD_FAILURE() << address.status();
  return address.value_or(acl::IpAddress{});
}

// Where the transport checksum lies, from the transport header; 0: none.
size_t ChecksumOffset(uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return 16;
    case IPPROTO_UDP:
      return 6;
    case IPPROTO_ICMPV6:
      return 2;
    default:
      return 0;
  }
}

}  // namespace

uint8_t TcpFlags(std::string_view letters) {
  uint8_t flags = 0;
  for (const char letter : letters) {
    flags |= letter == 'S'   ? dataplane::kTcpSyn
             : letter == 'A' ? dataplane::kTcpAck
             : letter == 'F' ? dataplane::kTcpFin
                             : dataplane::kTcpRst;
  }
  return flags;
}

void Frame::Append(const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  bytes_.insert(bytes_.end(), bytes, bytes + size);
}

Frame& Frame::Ether(const dataplane::MacAddress& from, const dataplane::MacAddress& to) {
  Append(to.bytes.data(), 6);
  Append(from.bytes.data(), 6);
  return *this;
}

Frame& Frame::Vlan(uint16_t id) {
  Put16(bytes_, RTE_ETHER_TYPE_VLAN);
  Put16(bytes_, id);
  return *this;
}

Frame& Frame::Ip(std::string_view from, std::string_view to) {
  source_ = MustParse(from);
  destination_ = MustParse(to);
  EXPECT_EQ(source_.family, destination_.family);
  return *this;
}

Frame& Frame::HopLimit(uint8_t hops) {
  hop_limit_ = hops;
  return *this;
}

Frame& Frame::Extension(uint8_t type, uint8_t units_of_8) {
  extension_chain_.emplace_back(type, units_of_8);
  return *this;
}

void Frame::Transport(uint8_t protocol, const std::vector<uint8_t>& segment) {
  if (source_.family == acl::Family::kIpv4) {
    rte_ipv4_hdr ip{};
    ip.version_ihl = 0x45;
    ip.total_length = rte_cpu_to_be_16(static_cast<uint16_t>(sizeof(ip) + segment.size()));
    ip.time_to_live = hop_limit_;
    ip.next_proto_id = protocol;
    std::memcpy(&ip.src_addr, source_.bytes.data(), 4);
    std::memcpy(&ip.dst_addr, destination_.bytes.data(), 4);
    ip.hdr_checksum = rte_ipv4_cksum(&ip);
    Put16(bytes_, RTE_ETHER_TYPE_IPV4);
    Append(&ip, sizeof(ip));
    const size_t start = bytes_.size();
    Append(segment.data(), segment.size());
    const size_t offset = ChecksumOffset(protocol);
    if (offset != 0 && protocol != IPPROTO_ICMPV6 && segment.size() >= offset + 2) {
      const uint16_t sum = rte_ipv4_udptcp_cksum(&ip, bytes_.data() + start);
      std::memcpy(bytes_.data() + start + offset, &sum, 2);
    }
    return;
  }
  std::vector<uint8_t> chain;
  for (size_t i = 0; i < extension_chain_.size(); ++i) {
    const bool last = i + 1 == extension_chain_.size();
    std::vector<uint8_t> extension(extension_chain_[i].second * size_t{8}, 0);
    extension[0] = last ? protocol : extension_chain_[i + 1].first;
    extension[1] = static_cast<uint8_t>(extension_chain_[i].second - 1);
    chain.insert(chain.end(), extension.begin(), extension.end());
  }
  rte_ipv6_hdr ip{};
  ip.vtc_flow = rte_cpu_to_be_32(6u << 28);
  ip.payload_len = rte_cpu_to_be_16(static_cast<uint16_t>(segment.size()));
  ip.proto = protocol;
  ip.hop_limits = hop_limit_;
  std::memcpy(ip.src_addr, source_.bytes.data(), 16);
  std::memcpy(ip.dst_addr, destination_.bytes.data(), 16);
  std::vector<uint8_t> summed = segment;
  if (const size_t offset = ChecksumOffset(protocol); offset != 0 && summed.size() >= offset + 2) {
    const uint16_t sum = rte_ipv6_udptcp_cksum(&ip, summed.data());
    std::memcpy(summed.data() + offset, &sum, 2);
  }
  ip.payload_len = rte_cpu_to_be_16(static_cast<uint16_t>(chain.size() + segment.size()));
  if (!extension_chain_.empty()) ip.proto = extension_chain_[0].first;
  Put16(bytes_, RTE_ETHER_TYPE_IPV6);
  Append(&ip, sizeof(ip));
  Append(chain.data(), chain.size());
  Append(summed.data(), summed.size());
}

Frame& Frame::Seq(uint32_t seq, uint32_t ack) {
  numbers_ = {seq, ack};
  return *this;
}

Frame& Frame::Window(uint16_t window) {
  window_ = window;
  return *this;
}

Frame& Frame::Options(std::vector<uint8_t> tcp_options) {
  tcp_options_ = std::move(tcp_options);
  tcp_options_.resize((tcp_options_.size() + 3) / 4 * 4);
  return *this;
}

Frame& Frame::Tcp(uint16_t from, uint16_t to, uint8_t flags, std::string_view payload) {
  const bool syn = (flags & RTE_TCP_SYN_FLAG) != 0, ack = (flags & RTE_TCP_ACK_FLAG) != 0;
  const auto numbers = numbers_.value_or(std::pair<uint32_t, uint32_t>{syn ? 0 : 1, ack ? 1 : 0});
  std::vector<uint8_t> segment;
  segment.reserve(20 + tcp_options_.size() + payload.size());
  Put16(segment, from);
  Put16(segment, to);
  Put32(segment, numbers.first);
  Put32(segment, numbers.second);
  segment.push_back(static_cast<uint8_t>((5 + tcp_options_.size() / 4) << 4));
  segment.push_back(flags);
  Put16(segment, window_);
  segment.resize(20);
  segment.insert(segment.end(), tcp_options_.begin(), tcp_options_.end());
  PutText(segment, payload);
  Transport(IPPROTO_TCP, segment);
  return *this;
}

Frame& Frame::Udp(uint16_t from, uint16_t to, std::string_view payload) {
  std::vector<uint8_t> segment;
  Put16(segment, from);
  Put16(segment, to);
  Put16(segment, static_cast<uint16_t>(8 + payload.size()));
  Put16(segment, 0);
  PutText(segment, payload);
  Transport(IPPROTO_UDP, segment);
  return *this;
}

Frame& Frame::Sctp(uint16_t from, uint16_t to) {
  std::vector<uint8_t> segment;
  Put16(segment, from);
  Put16(segment, to);
  segment.resize(12);
  Put32(segment, 0x0100'0014);  // an INIT of 20 bytes
  Put32(segment, 1);            // and its tag
  segment.resize(32);
  Transport(IPPROTO_SCTP, segment);
  return *this;
}

Frame& Frame::Icmp(uint8_t type, uint8_t code, std::string_view body) {
  std::vector<uint8_t> segment;
  segment.reserve(4 + body.size());
  Put16(segment, static_cast<uint16_t>(type << 8 | code));
  Put16(segment, 0);
  PutText(segment, body);
  const bool v4 = source_.family == acl::Family::kIpv4;
  if (v4) {
    const uint16_t sum = static_cast<uint16_t>(~rte_raw_cksum(segment.data(), segment.size()));
    std::memcpy(segment.data() + 2, &sum, 2);
  }
  Transport(static_cast<uint8_t>(v4 ? IPPROTO_ICMP + 0 : IPPROTO_ICMPV6 + 0), segment);
  return *this;
}

Frame& Frame::Echo(bool request, uint16_t identifier) {
  const bool v4 = source_.family == acl::Family::kIpv4;
  const std::string body = {static_cast<char>(identifier >> 8), static_cast<char>(identifier), 0,
                            1};
  return v4 ? Icmp(request ? 8 : 0, 0, body) : Icmp(request ? 128 : 129, 0, body);
}

Frame& Frame::Neighbour(uint8_t type, std::string_view target) {
  hop_limit_ = 255;
  const acl::IpAddress address = MustParse(target);
  std::string body(4, '\0');
  body.append(reinterpret_cast<const char*>(address.bytes.data()), 16);
  return Icmp(type, 0, body);
}

Frame& Frame::Protocol(uint8_t protocol, std::string_view payload) {
  Transport(protocol, {payload.begin(), payload.end()});
  return *this;
}

Frame& Frame::Arp(uint16_t operation, const dataplane::MacAddress& sender_mac,
                  std::string_view sender_ip, std::string_view target_ip) {
  Put16(bytes_, RTE_ETHER_TYPE_ARP);
  Put16(bytes_, 1);
  Put16(bytes_, RTE_ETHER_TYPE_IPV4);
  bytes_.push_back(6);
  bytes_.push_back(4);
  Put16(bytes_, operation);
  Append(sender_mac.bytes.data(), 6);
  Append(MustParse(sender_ip).bytes.data(), 4);
  bytes_.resize(bytes_.size() + 6);
  Append(MustParse(target_ip).bytes.data(), 4);
  return *this;
}

Frame& Frame::Rarp(const dataplane::MacAddress& mac) {
  constexpr size_t kTarget = 18;  // from the ARP header on
  const size_t start = bytes_.size() + 2;
  Arp(3, mac, "0.0.0.0", "0.0.0.0");
  Set16(start - 2, RTE_ETHER_TYPE_RARP);
  std::copy(mac.bytes.begin(), mac.bytes.end(), bytes_.begin() + start + kTarget);
  return *this;
}

Frame& Frame::Set8(size_t offset, uint8_t value) {
  bytes_.at(offset) = value;
  return *this;
}

Frame& Frame::Set16(size_t offset, uint16_t value) {
  Set8(offset, static_cast<uint8_t>(value >> 8));
  return Set8(offset + 1, static_cast<uint8_t>(value));
}

Frame& Frame::Truncate(size_t length) {
  bytes_.resize(length);
  return *this;
}

const std::vector<uint8_t>& Frame::bytes() { return bytes_; }

}  // namespace sluice::test
