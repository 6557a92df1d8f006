// IP addresses and CIDR blocks as values, for both families.
//
// An address is 16 bytes in network order with its family beside them; IPv4 uses the first four.
// Text forms are those of inet_ntop(3). Nothing here knows packets, pods or policies.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace sluice::acl {

enum class Family : uint8_t { kIpv4 = 4, kIpv6 = 6 };

struct IpAddress {
  Family family = Family::kIpv4;
  std::array<uint8_t, 16> bytes{};  // network order; IPv4 in bytes[0..3], the rest zero

  // `data` points at 4 or 16 bytes, as `family` says.
  static IpAddress FromBytes(Family family, const uint8_t* data) {
    IpAddress address;
    address.Assign(family, data);
    return address;
  }
  void Assign(Family new_family, const uint8_t* data) {
    uint64_t words[2] = {};
    std::memcpy(words, data, new_family == Family::kIpv4 ? 4 : 16);
    family = new_family;
    std::memcpy(bytes.data(), words, sizeof(words));
  }

  // Errors: InvalidArgument naming the text, for anything inet_pton(3) refuses (zone suffixes and
  // leading zeros too). An IPv4-mapped IPv6 address stays IPv6.
  static absl::StatusOr<IpAddress> Parse(std::string_view text);

  std::string ToString() const;
  bool IsUnspecified() const { return *this == IpAddress{.family = family}; }
  bool IsMulticast() const {
    return family == Family::kIpv4 ? (bytes[0] & 0xf0) == 0xe0 : bytes[0] == 0xff;
  }
  bool IsLimitedBroadcast() const {
    return *this == IpAddress{Family::kIpv4, {255, 255, 255, 255}};
  }
  bool IsLinkLocal() const {  // fe80::/10
    return family == Family::kIpv6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  }
  unsigned bits() const { return family == Family::kIpv4 ? 32 : 128; }

  auto operator<=>(const IpAddress&) const = default;
  bool operator==(const IpAddress& other) const {  // memcmp would be a call for each packet
    uint64_t ours[2], theirs[2];
    std::memcpy(ours, bytes.data(), sizeof(ours));
    std::memcpy(theirs, other.bytes.data(), sizeof(theirs));
    return family == other.family && ((ours[0] ^ theirs[0]) | (ours[1] ^ theirs[1])) == 0;
  }

  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& a) {
    return H::combine(std::move(h), a.family, a.bytes);
  }
};

// A block of addresses. Host bits are always zero: Parse masks them, as Kubernetes does.
struct Cidr {
  IpAddress base;
  uint8_t prefix_len = 0;

  // "10.0.0.0/8" or "fd00::/8". Errors: InvalidArgument naming the text and what is wrong with it.
  static absl::StatusOr<Cidr> Parse(std::string_view text);
  // The block of `prefix_len` bits around `address`; prefix_len <= address.bits().
  static Cidr Around(const IpAddress& address, uint8_t prefix_len);

  bool Contains(const IpAddress& address) const;
  bool Contains(const Cidr& other) const;
  std::string ToString() const;

  auto operator<=>(const Cidr&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const Cidr& c) {
    return H::combine(std::move(h), c.base, c.prefix_len);
  }
};

}  // namespace sluice::acl
