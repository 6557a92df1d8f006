// Characters of HTTP, of URIs and of names of hosts, for the policies that name them and for the
// requests that have them: the two have to agree.
#pragma once

#include <string_view>

namespace sluice::acl {

inline bool IsAlphanumeric(char c) {
  return ('0' <= c && c <= '9') || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}

// Of ASCII's letters.
inline char ToLower(char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// RFC 9110 section 5.6.2: methods and names of fields.
inline bool IsTokenChar(char c) {
  return IsAlphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// RFC 3986 section 2.3: what has no need to be escaped.
inline bool IsUnreserved(char c) {
  return IsAlphanumeric(c) || std::string_view("-._~").find(c) != std::string_view::npos;
}

}  // namespace sluice::acl
