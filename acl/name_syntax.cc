#include "acl/name_syntax.h"

#include <fmt/format.h>

#include <algorithm>

#include "acl/uri_characters.h"

namespace sluice::acl {
namespace {

constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxSubdomain = 253;
constexpr size_t kMaxPortName = 15;
constexpr size_t kMaxQuoted = 64;

bool IsLower(char c) { return 'a' <= c && c <= 'z'; }
bool IsDigit(char c) { return '0' <= c && c <= '9'; }
bool IsLowerOrDigit(char c) { return IsLower(c) || IsDigit(c); }

// Edges alphanumeric by `edge`; between them also any of `extra`.
bool HasShape(std::string_view text, bool (*edge)(char), std::string_view extra) {
  return !text.empty() && edge(text.front()) && edge(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return edge(c) || extra.find(c) != std::string_view::npos; });
}

bool IsDnsLabelShape(std::string_view text) { return HasShape(text, IsLowerOrDigit, "-"); }

bool IsSubdomainShape(std::string_view text) {
  while (true) {
    const size_t dot = text.find('.');
    if (!IsDnsLabelShape(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// The CRDs' pattern lets an underscore stand first.
bool IsDomainLabel(std::string_view label) {
  if (label.empty() || !(IsAlphanumeric(label.front()) || label.front() == '_')) return false;
  if (label.size() > 1 && !IsAlphanumeric(label.back())) return false;
  return std::ranges::all_of(label,
                             [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_'; });
}

// Two labels or more, perhaps with "*." before them and a dot behind.
bool IsDomainNameShape(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.ends_with('.')) name.remove_suffix(1);
  size_t labels = 1;
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    if (!IsDomainLabel(name.substr(0, dot))) return false;
    name.remove_prefix(dot + 1);
    ++labels;
  }
  return labels > 1 && IsDomainLabel(name);
}

// Then it is an address, or a part of one.
bool EndsInNumber(std::string_view name) {
  return std::ranges::all_of(name.substr(name.rfind('.') + 1), IsDigit);
}

bool IsHostShape(std::string_view name) {
  const bool wildcard = name.starts_with("*.");
  if (wildcard) name.remove_prefix(2);
  if (wildcard && EndsInNumber(name)) return false;
  while (true) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.size() > kMaxLabel || !IsDomainLabel(label)) return false;
    if (label.size() == name.size()) return true;
    name.remove_prefix(label.size() + 1);
  }
}

// RFC 3986 section 3.3, but for "%".
bool IsPathChar(char c) {
  return IsUnreserved(c) || std::string_view("!$&'()+,;=:@/").find(c) != std::string_view::npos;
}

// What servers read differently, as it is and escaped: requests with it are refused
// (dataplane/inspect/http_request.h).
bool IsAmbiguous(std::string_view path) {
  constexpr std::string_view kAmbiguous[] = {"//", ";", "%3B", "%2F", "%5C", "%00"};
  return std::ranges::any_of(
      kAmbiguous, [&](std::string_view text) { return path.find(text) != std::string_view::npos; });
}

// "%2F" has no shorter form, "%41" and "%2f" have.
bool BeginsWithNormalEscape(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  if (text.size() < 3) return false;
  const size_t high = kDigits.find(text[1]), low = kDigits.find(text[2]);
  if (high == std::string_view::npos || low == std::string_view::npos) return false;
  return !IsUnreserved(static_cast<char>(high * kDigits.size() + low));
}

bool HasNormalCharacters(std::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && BeginsWithNormalEscape(path.substr(i))) {
      i += 2;
    } else if (!IsPathChar(path[i])) {
      return false;
    }
  }
  return true;
}

bool HasDotSegment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

Refusal Refuse(std::string_view text, const std::string& reason) {
  return fmt::format("{} {}", Quoted(text), reason);
}

}  // namespace

std::string Quoted(std::string_view text) {
  const bool cut = text.size() > kMaxQuoted;
  return fmt::format("{:?}{}", std::string(text.substr(0, kMaxQuoted)), cut ? "..." : "");
}

Refusal CheckDnsLabel(std::string_view text) {
  if (text.empty()) return "is required";
  if (text.size() > kMaxLabel) {
    return Refuse(text, fmt::format("is longer than {} characters", kMaxLabel));
  }
  if (IsDnsLabelShape(text)) return std::nullopt;
  return Refuse(text,
                "must consist of lower case alphanumeric characters or '-', and must start and end "
                "with an alphanumeric character");
}

Refusal CheckDnsSubdomain(std::string_view text) {
  if (text.empty()) return "is required";
  if (text.size() > kMaxSubdomain) {
    return Refuse(text, fmt::format("is longer than {} characters", kMaxSubdomain));
  }
  if (IsSubdomainShape(text)) return std::nullopt;
  return Refuse(text,
                "must consist of lower case alphanumeric characters, '-' or '.', and must start "
                "and end with an alphanumeric character");
}

Refusal CheckLabelKey(std::string_view text) {
  if (text.empty()) return "a label key is required";
  std::string_view name = text;
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (prefix.size() > kMaxSubdomain || !IsSubdomainShape(prefix)) {
      return Refuse(text, "is not a label key: its prefix must be a DNS subdomain");
    }
  }
  if (name.size() <= kMaxLabel && HasShape(name, IsAlphanumeric, "-_.")) return std::nullopt;
  return Refuse(text,
                fmt::format("is not a label key: its name must be 1 to {} alphanumeric characters, "
                            "'-', '_' or '.', and must start and end with an alphanumeric one",
                            kMaxLabel));
}

Refusal CheckLabelValue(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.size() <= kMaxLabel && HasShape(text, IsAlphanumeric, "-_.")) return std::nullopt;
  return Refuse(text,
                fmt::format("is not a label value: it must be empty or at most {} alphanumeric "
                            "characters, '-', '_' or '.', and must start and end with an "
                            "alphanumeric one",
                            kMaxLabel));
}

Refusal CheckPortName(std::string_view text) {
  const bool shape = text.size() <= kMaxPortName && HasShape(text, IsLowerOrDigit, "-") &&
                     text.find("--") == std::string_view::npos &&
                     std::any_of(text.begin(), text.end(), IsLower);
  if (shape) return std::nullopt;
  return Refuse(text, fmt::format("is not a port name: it must be 1 to {} lower case alphanumeric "
                                  "characters or single inner '-', with at least one letter",
                                  kMaxPortName));
}

Refusal CheckDomainName(std::string_view text) {
  if (IsDomainNameShape(text)) return std::nullopt;
  return Refuse(text,
                "is not a domain name: it must have two labels or more, with perhaps \"*.\" before "
                "them");
}

Refusal CheckHost(std::string_view text) {
  if (text.size() > kMaxSubdomain) {
    return Refuse(text, fmt::format("is longer than {} characters", kMaxSubdomain));
  }
  const bool upper = std::ranges::any_of(text, [](char c) { return 'A' <= c && c <= 'Z'; });
  if (!upper && IsHostShape(text)) return std::nullopt;
  return Refuse(text,
                "is not a name of a host: it must have labels of up to 63 lower case alphanumeric "
                "characters, '-' or '_', with perhaps \"*.\" before them, or be an IPv4 address");
}

std::string NormalHost(std::string text) {
  for (char& c : text) c = ToLower(c);
  if (text.size() > 1 && text.ends_with('.')) text.pop_back();
  return text;
}

Refusal CheckHttpMethod(std::string_view text) {
  const bool token = !text.empty() && std::ranges::all_of(text, IsTokenChar);
  if (!token) return Refuse(text, "is not a method: it must be a token, as GET is");
  const bool lower = std::ranges::any_of(text, [](char c) { return 'a' <= c && c <= 'z'; });
  if (!lower) return std::nullopt;
  return Refuse(text, "has lower case letters: requests with such a method never pass");
}

Refusal CheckHttpPath(std::string_view text) {
  if (!text.starts_with('/')) return Refuse(text, "does not begin with \"/\"");
  if (text.find_first_of("?#") != std::string_view::npos) {
    return Refuse(text, "has a query or a fragment: requests are matched without");
  }
  std::string_view path = text;
  if (path.ends_with("/*")) path.remove_suffix(1);
  if (path.find('*') != std::string_view::npos) {
    return Refuse(text, "has a \"*\" elsewhere than in \"/*\" at its end");
  }
  if (HasDotSegment(path)) return Refuse(text, "has \".\" or \"..\" in it: no path has in the end");
  if (IsAmbiguous(path)) {
    return Refuse(text,
                  "has a doubled or escaped slash, a semicolon, or an escaped backslash or NUL: "
                  "requests with such a path never pass");
  }
  if (HasNormalCharacters(path)) return std::nullopt;
  return Refuse(text,
                "is not in normal form: what is not in RFC 3986's pchar must be escaped, in upper "
                "case, and nothing that is unreserved");
}

}  // namespace sluice::acl
