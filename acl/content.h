// What a rule asks of the content of a connection: names and requests that must be in the head of
// the stream its initiator sends, and patterns that must not.
//
// As its author wrote it (SluicePolicy, sluice.io/v1alpha1); acl/validate.h says whether it is
// acceptable. What the head says is read by dataplane/inspect/, and held against this by
// acl/content_matcher.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::acl {

// The connection begins with a TLS ClientHello whose server name is one of these. TCP only.
struct TlsMatch {
  // "example.org", or "*.example.org": one or more labels before it, not the name itself. In lower
  // case, without a trailing dot. Never empty.
  std::vector<std::string> server_names;
  bool operator==(const TlsMatch&) const = default;
};

// The connection begins with such an HTTP/1.x request. An empty field matches everything. TCP only.
struct HttpMatch {
  std::string method;  // exactly, "GET"
  std::string host;    // as in TlsMatch::server_names
  // "/a/b": this path; "/a/*": every path that begins with "/a/". Of the request after RFC 3986's
  // normalisation, without the query.
  std::string path;
  bool operator==(const HttpMatch&) const = default;
};

// The datagram asks for one of these names, as in TlsMatch::server_names (RFC 1035). UDP only, and
// not together with the others.
struct DnsMatch {
  std::vector<std::string> names;  // never empty
  bool operator==(const DnsMatch&) const = default;
};

enum class PatternAction : uint8_t {
  kDeny,   // the connection dies
  kAlert,  // it is told, and goes on
};

// A Hyperscan expression, looked for in the head of the stream, wherever it stands.
struct ContentPattern {
  std::string pattern;
  PatternAction action = PatternAction::kDeny;
  bool operator==(const ContentPattern&) const = default;
};

struct Content {
  static constexpr uint8_t kTcp = 6, kUdp = 17;

  std::optional<TlsMatch> tls;
  std::vector<HttpMatch> http;
  std::optional<DnsMatch> dns;
  std::vector<ContentPattern> patterns;

  // The rule matches only connections whose head fits `tls`, one of `http`, or `dns`. Without any
  // it matches by addresses and ports alone, and `patterns` are looked for in what it allows.
  bool IsConditional() const { return tls.has_value() || !http.empty() || dns.has_value(); }
  // The IP protocol that a conditional rule is about.
  uint8_t Protocol() const { return dns ? kUdp : kTcp; }
  bool empty() const { return !IsConditional() && patterns.empty(); }
  bool operator==(const Content&) const = default;
};

}  // namespace sluice::acl
