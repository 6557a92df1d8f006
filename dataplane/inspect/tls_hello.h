// The ClientHello that a TLS connection begins with (RFC 8446 4.1.2, RFC 6066 3, RFC 7301).
//
// Of what a client may send, only what every server reads alike is taken: handshake records without
// others between them, each extension once, one host name.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/reading.h"

namespace sluice::dataplane {

struct TlsHello {
  static constexpr unsigned kMaxProtocols = 8;  // more are left out

  Reading reading = Reading::kMore;
  const char* fault = "";        // kMalformed: a literal
  std::string_view server_name;  // as it was sent; empty: there is none
  uint16_t version = 0;          // the highest that it offers: 0x0303 is TLS 1.2
  unsigned protocol_count = 0;
  std::array<std::string_view, kMaxProtocols> protocols;  // ALPN
  size_t length = 0;                                      // octets of its records
  bool encrypted = false;  // has an encrypted ClientHello: `server_name` is the outer one
};

// `stream` is what has come so far. A hello over several records is put together in `scratch`,
// which bounds it; views are into that or the stream. Cost: one pass over the hello.
TlsHello ReadTlsHello(std::span<const uint8_t> stream, std::span<uint8_t> scratch);

// What a client sends behind its hello. Should the server have asked for another one
// (HelloRetryRequest, RFC 8446 4.1.4), that is read like the first; everything else is kOther.
// `length` counts what lies before it, too.
TlsHello ReadNextHello(std::span<const uint8_t> stream, std::span<uint8_t> scratch);

}  // namespace sluice::dataplane
