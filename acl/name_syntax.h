// The syntax of names, labels and port names, as the Kubernetes API server checks it.
//
// Each function answers why `text` is refused, in words that follow a field path, or nothing if it
// is fine. Source: k8s.io/apimachinery/pkg/util/validation.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::acl {

using Refusal = std::optional<std::string>;

// `text` in quotes, escaped and cut to a length that suits an error message.
std::string Quoted(std::string_view text);

Refusal CheckDnsLabel(std::string_view text);      // RFC 1123 label: namespaces
Refusal CheckDnsSubdomain(std::string_view text);  // RFC 1123 subdomain: pods, policies
Refusal CheckLabelKey(std::string_view text);      // [prefix/]name
Refusal CheckLabelValue(std::string_view text);    // may be empty
Refusal CheckPortName(std::string_view text);      // IANA_SVC_NAME (RFC 6335)
// "example.org" or "*.example.org", as the CRDs of policy.networking.k8s.io have it.
Refusal CheckDomainName(std::string_view text);
// What a client may ask for by name: "example.org", "*.example.org", "localhost", "192.0.2.1"; as
// NormalHost makes it.
Refusal CheckHost(std::string_view text);
// In lower case, without the dot behind.
std::string NormalHost(std::string text);
// A token (RFC 9110 section 5.6.2) without lower case letters.
Refusal CheckHttpMethod(std::string_view text);
// "/a/b" or "/a/*": a path (RFC 3986 section 3.3) that is in normal form (section 6.2.2), or one
// would wait for what no request says.
Refusal CheckHttpPath(std::string_view text);

}  // namespace sluice::acl
