// What a receiver finds in a frame: lengths and checksums by DPDK's own verifiers, not by our code.
#pragma once

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace sluice::test {

// An untagged IP frame without fragmentation; views into `bytes`.
class Wire {
 public:
  explicit Wire(const std::vector<uint8_t>& bytes) : bytes_(bytes) {}

  bool v4() const { return bytes_[12] == 0x08; }
  const rte_ipv4_hdr& ip4() const { return At<rte_ipv4_hdr>(kIp); }
  const rte_ipv6_hdr& ip6() const { return At<rte_ipv6_hdr>(kIp); }
  uint8_t protocol() const { return v4() ? ip4().next_proto_id : ip6().proto; }
  size_t l4() const { return kIp + (v4() ? size_t{rte_ipv4_hdr_len(&ip4())} : sizeof(ip6())); }
  size_t end() const {
    return v4() ? kIp + rte_be_to_cpu_16(ip4().total_length)
                : kIp + sizeof(ip6()) + rte_be_to_cpu_16(ip6().payload_len);
  }
  const rte_tcp_hdr& tcp() const { return At<rte_tcp_hdr>(l4()); }
  uint32_t seq() const { return rte_be_to_cpu_32(tcp().sent_seq); }
  std::vector<uint8_t> tcp_payload() const {
    const size_t start = l4() + (tcp().data_off >> 4) * size_t{4};
    return {bytes_.begin() + static_cast<ptrdiff_t>(start),
            bytes_.begin() + static_cast<ptrdiff_t>(end())};
  }

  size_t checksum_offset() const { return l4() + (protocol() == IPPROTO_TCP ? 16 : 6); }

  // IPv4's header checksum, and TCP's or UDP's.
  bool ChecksumsHold() const {
    std::vector<uint8_t> zeroed = bytes_;
    zeroed.at(checksum_offset()) = zeroed.at(checksum_offset() + 1) = 0;
    const Wire other(zeroed);
    uint16_t expected = v4() ? rte_ipv4_udptcp_cksum(&other.ip4(), &zeroed[l4()])
                             : rte_ipv6_udptcp_cksum(&other.ip6(), &zeroed[l4()]);
    if (protocol() == IPPROTO_UDP && expected == 0) expected = 0xffff;
    const bool header = !v4() || rte_raw_cksum(&ip4(), rte_ipv4_hdr_len(&ip4())) == 0xffff;
    return header && std::memcmp(&expected, &bytes_[checksum_offset()], sizeof(expected)) == 0;
  }

 private:
  static constexpr size_t kIp = sizeof(rte_ether_hdr);
  template <typename T>
  const T& At(size_t offset) const {
    return *reinterpret_cast<const T*>(&bytes_.at(offset));
  }

  const std::vector<uint8_t>& bytes_;
};

}  // namespace sluice::test
