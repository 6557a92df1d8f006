#include "acl/name_syntax.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::acl {
namespace {

constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxSubdomain = 253;
constexpr size_t kMaxPortName = 15;
constexpr size_t kMaxQuoted = 64;

bool IsLower(char c) { return 'a' <= c && c <= 'z'; }
bool IsDigit(char c) { return '0' <= c && c <= '9'; }
bool IsLowerOrDigit(char c) { return IsLower(c) || IsDigit(c); }
bool IsAlphanumeric(char c) { return IsLowerOrDigit(c) || ('A' <= c && c <= 'Z'); }

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

}  // namespace sluice::acl
