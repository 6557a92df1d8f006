// The question of a DNS query in a datagram (RFC 1035 4.1, RFC 9619).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/reading.h"

namespace sluice::dataplane {

struct DnsQuery {
  // Never kMore. kOther: no server answers it, since it is not a query with one question.
  // kMalformed: its name is cut off, compressed, or no host name: another one may be read in it.
  Reading reading = Reading::kOther;
  std::string_view name;  // in lower case, without a trailing dot; empty: the root
};

// The name is written to `out`, which has room for kMaxHostName.
DnsQuery ReadDnsQuery(std::span<const uint8_t> datagram, std::span<char> out);

}  // namespace sluice::dataplane
