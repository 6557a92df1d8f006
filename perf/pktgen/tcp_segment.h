// A TCP segment as a value, and its wire form (RFC 9293, 3.1).
#pragma once

#include "perf/pktgen/frame.h"

namespace sluice::pktgen {

inline constexpr uint8_t kFin = 0x01;
inline constexpr uint8_t kSyn = 0x02;
inline constexpr uint8_t kRst = 0x04;
inline constexpr uint8_t kPsh = 0x08;
inline constexpr uint8_t kAck = 0x10;

// Numbers are in host order.
struct TcpSegment {
  uint16_t src_port = 0, dst_port = 0;
  uint32_t seq = 0, ack = 0;
  uint8_t flags = 0;
  uint16_t window = 0;
  uint16_t mss = 0;  // the MSS option; 0: absent
  Bytes payload;     // borrowed

  bool Has(uint8_t flag) const { return (flags & flag) != 0; }
  // In sequence numbers: SYN and FIN count one each.
  uint32_t length() const {
    return static_cast<uint32_t>(payload.size()) + (Has(kSyn) ? 1 : 0) + (Has(kFin) ? 1 : 0);
  }
};

// `l4` comes from a frame of a TCP kind, so its header fits. Options cut short are ignored.
TcpSegment ReadTcpSegment(Bytes l4);

// Header, with checksum zero, and payload.
Frame WriteTcpSegment(const TcpSegment& segment);

}  // namespace sluice::pktgen
