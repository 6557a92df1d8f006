// Names of IP protocols, as answers spell them.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::control {

// "tcp", "udp", "sctp", "icmp", "icmpv6", or the number.
std::string ProtocolName(uint8_t protocol);

}  // namespace sluice::control
