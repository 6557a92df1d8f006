// Names of hosts as clients spell them, in the one form that they are compared in.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace sluice::dataplane {

inline constexpr size_t kMaxHostName = 253;

// In lower case and without the dot at its end (RFC 1034 3.1), written to `out`, which has room for
// kMaxHostName. Absent: it is no name: empty, a label that is empty or longer than 63, or a
// character that is not a letter, digit, "-" or "_". An IPv4 address is spelt like a name; an IPv6
// address in brackets stays as it is.
std::optional<std::string_view> NormalizeHost(std::string_view raw, std::span<char> out);

}  // namespace sluice::dataplane
