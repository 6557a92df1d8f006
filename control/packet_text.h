// A packet as people write it: what `sluicectl trace` is given.
//
//   tcp 10.0.0.1:1234 > 10.0.0.2:80 syn
//   udp default/web:1234 > 10.0.0.2:53 len 100
//   icmp default/a > default/b echo id 7
//   proto 47 [fd00::1] > [fd00::2]
//   hex:0200...
//
// Ends are an IPv4 address, an IPv6 address (in brackets where a port follows) or NAMESPACE/POD.
// After them, in any order: TCP flags (syn, ack, fin, rst, psh; "syn ack" is both; syn if there are
// none), `seq N`, `ackno N`, `len N` bytes of payload, `ttl N`, `echo`, `reply`, `id N`,
// `mac SOURCE > DESTINATION`.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/mac_address.h"

namespace sluice::control {

struct PacketEnd {
  std::string host;  // "10.0.0.1", "fd00::1", "namespace/pod"
  uint16_t port = 0;
  std::optional<dataplane::MacAddress> mac;
};

struct PacketText {
  std::vector<uint8_t> raw;  // from hex; then nothing else is set
  PacketEnd from, to;
  bool icmp = false;  // of the ends' family
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;
  uint32_t seq = 1, ackno = 1;
  uint16_t length = 0;  // of the payload
  uint8_t ttl = 64;
  bool reply = false;  // echo
  uint16_t id = 1;
};

// Errors: InvalidArgument `packet: "WORD": REASON`.
absl::StatusOr<PacketText> ParsePacketText(std::string_view text);

}  // namespace sluice::control
