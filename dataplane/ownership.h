// Which addresses are a port's own: those it was given, and the link-local one of its MAC; and
// which it may use beside them, because its spec allows it.
#pragma once

#include <algorithm>

#include "dataplane/snapshot.h"

namespace sluice::dataplane {

// fe80::/64 with the modified EUI-64 of `mac` (RFC 4291, appendix A).
inline bool IsLinkLocalOf(const acl::IpAddress& address, const MacAddress& mac) {
  const auto& m = mac.bytes;
  return address == acl::IpAddress{acl::Family::kIpv6,
                                   {0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<uint8_t>(m[0] ^ 2),
                                    m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}};
}

inline bool Owns(const PortView& port, const acl::IpAddress& address) {
  return std::find(port.addresses.begin(), port.addresses.end(), address) != port.addresses.end() ||
         IsLinkLocalOf(address, port.mac);
}

// One that may return to pods here what pods here sent to it (returned.h).
inline bool IsRouter(const NetworkView& network, const MacAddress& mac) {
  return std::find(network.routers.begin(), network.routers.end(), mac) != network.routers.end();
}

// The port's MAC, or one that goes with an allowed address.
inline bool UsesMac(const PortView& port, const MacAddress& mac) {
  return mac == port.mac ||
         std::any_of(port.allowed.begin(), port.allowed.end(),
                     [&](const AllowedAddress& allowed) { return allowed.mac == mac; });
}

// Whether the port may say that it has `address` at `mac`, which it uses. Its own addresses go with
// every MAC of its (VRRP sends them from the virtual one), an allowed one with its own only.
inline bool SpeaksFor(const PortView& port, const acl::IpAddress& address, const MacAddress& mac) {
  const auto covers = [&](const AllowedAddress& allowed) {
    const MacAddress& with = allowed.mac.IsZero() ? port.mac : allowed.mac;
    return with == mac && allowed.block.Contains(address);
  };
  return Owns(port, address) || std::any_of(port.allowed.begin(), port.allowed.end(), covers);
}

// Whether packets to `address` may go out by the port.
inline bool Takes(const PortView& port, const acl::IpAddress& address) {
  return Owns(port, address) ||
         std::any_of(port.allowed.begin(), port.allowed.end(), [&](const AllowedAddress& allowed) {
           return allowed.block.Contains(address);
         });
}

}  // namespace sluice::dataplane
