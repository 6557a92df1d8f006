// The head of an HTTP/1.x request (RFC 9112, RFC 9110), and where the next one begins.
//
// Strict where servers differ: lines end in CRLF, one Host that agrees with the target, one length
// of the body. What is read here is what any server that takes the request must read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/inspect/reading.h"

namespace sluice::dataplane {

struct HttpRequest {
  Reading reading = Reading::kMore;
  const char* fault = "";   // kMalformed: a literal
  std::string_view method;  // as it was sent
  std::string_view host;    // normalised, without the port; empty: HTTP/1.0 without Host
  std::string_view path;    // normalised, without the query; "*" of OPTIONS, "" of CONNECT
  uint32_t length = 0;      // octets of the head
  uint64_t body = 0;        // octets of the body behind it; UINT64_MAX: all that follows
};

// What views of a request are into, beside the stream.
struct HttpScratch {
  std::span<char> host;  // kMaxHostName
  std::span<char> path;  // one longer than the longest stream
};

// `stream` is what has come so far, from where a request begins. Cost: one pass over the head.
HttpRequest ReadHttpRequest(std::span<const uint8_t> stream, const HttpScratch& scratch);

// RFC 3986 6.2.2: percent-encoded letters, digits and "-._~" decoded, dot segments gone, hex digits
// in upper case; and slashes next to each other are one, as servers take them. Written to `out`,
// which is longer than `raw`. Absent: not every server reads it alike: an encoded slash, backslash
// or NUL, a bad escape, a backslash or control character; a semicolon (what is behind it are
// parameters, or a part of the name); ".." above the root, or behind slashes next to each other
// (which are one step, or two).
std::optional<std::string_view> NormalizePath(std::string_view raw, std::span<char> out);

}  // namespace sluice::dataplane
