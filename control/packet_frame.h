// Turns a packet as people write it into the bytes on the wire.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "control/packet_text.h"
#include "control/view.h"

namespace sluice::control {

// The frame that `packet` means when it enters by `port`, with lengths and checksums. Pods' names
// become addresses of one family, IPv4 if both have it. MACs that are not given: the source's is
// the port's own or, at an uplink, nobody's; the destination's is that of the port which has the
// address, a group's own, or, for an address beyond the node, nobody's. Errors: InvalidArgument
// "packet: ..." (no such pod, two families).
absl::StatusOr<std::vector<uint8_t>> MakeFrame(const PacketText& packet, const std::string& port,
                                               const View& view);

// The addresses of its ends, of one family. Errors: MakeFrame's.
absl::StatusOr<std::pair<acl::IpAddress, acl::IpAddress>> ResolveEnds(const PacketText& packet,
                                                                      const View& view);

}  // namespace sluice::control
