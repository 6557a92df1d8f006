// The blocks of a pcapng file (draft-ietf-opsawg-pcapng), in this machine's byte order.
//
// Not rte_pcapng: that of DPDK 22.11 writes no comments, and knows ports of ethdevs only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::ctl {

struct PcapngPacket {
  uint32_t interface = 0;  // counted from 0, in the order of their blocks
  uint64_t time_ns = 0;    // since 1970
  bool outbound = false;
  uint32_t length = 0;    // of the frame
  std::string_view data;  // its first bytes
  std::string_view comment;
};

// Each is a whole block. Names and comments are UTF-8, of any length: what is longer than an option
// can be is cut.
std::string PcapngSection(std::string_view program);
std::string PcapngInterface(std::string_view name, std::string_view description, uint32_t snaplen);
std::string PcapngPacketBlock(const PcapngPacket& packet);
// How many packets an interface had to show, and how many of them are not in the file.
std::string PcapngStatistics(uint32_t interface, uint64_t time_ns, uint64_t received,
                             uint64_t dropped);

}  // namespace sluice::ctl
