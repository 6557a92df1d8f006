// Which addresses are a port's own: those it was given, and the link-local one of its MAC.
#pragma once

#include <algorithm>

#include "dataplane/snapshot.h"

namespace sluice::dataplane {

// fe80::/64 with the modified EUI-64 of `mac` (RFC 4291, appendix A).
inline bool IsLinkLocalOf(const acl::IpAddress& address, const MacAddress& mac) {
  const auto& m = mac.bytes;
  const std::array<uint8_t, 16> expected = {
      0xfe, 0x80, 0,    0,    0,    0,    0,   0, static_cast<uint8_t>(m[0] ^ 2),
      m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
  return address.family == acl::Family::kIpv6 && address.bytes == expected;
}

inline bool Owns(const PortView& port, const acl::IpAddress& address) {
  return std::find(port.addresses.begin(), port.addresses.end(), address) != port.addresses.end() ||
         IsLinkLocalOf(address, port.mac);
}

}  // namespace sluice::dataplane
