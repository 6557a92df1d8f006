// What the head of a stream says: the names and the request that conditions are held against.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::acl {

// Views into bytes of the caller's. Names in lower case, without a trailing dot; the path after
// normalisation, without the query.
struct StreamFacts {
  enum class Kind : uint8_t {
    kOther,  // neither of these: no condition fits it
    kTls,
    kHttp,
    kDns,
  };
  Kind kind = Kind::kOther;
  std::string_view server_name;         // kTls; empty: none was sent
  std::string_view question;            // kDns; empty: the root's
  std::string_view method, host, path;  // kHttp
};

}  // namespace sluice::acl
