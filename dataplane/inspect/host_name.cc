#include "dataplane/inspect/host_name.h"

#include <algorithm>

#include "acl/uri_characters.h"

namespace sluice::dataplane {
namespace {

constexpr size_t kMaxLabel = 63;

bool IsDigit(char c) { return '0' <= c && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || ('a' <= c && c <= 'f') || ('A' <= c && c <= 'F'); }

bool IsIpv6Literal(std::string_view text) {
  if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
  const std::string_view inside = text.substr(1, text.size() - 2);
  return std::ranges::all_of(inside, [](char c) { return IsHex(c) || c == ':' || c == '.'; });
}

}  // namespace

std::optional<std::string_view> NormalizeHost(std::string_view raw, std::span<char> out) {
  if (raw.ends_with('.')) raw.remove_suffix(1);
  if (raw.empty() || raw.size() > std::min(kMaxHostName, out.size())) return std::nullopt;
  const bool literal = IsIpv6Literal(raw);
  size_t label = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    out[i] = acl::ToLower(c);
    if (literal) continue;
    if (c == '.') {
      if (label == 0) return std::nullopt;
      label = 0;
      continue;
    }
    const bool fits = acl::IsAlphanumeric(c) || c == '-' || c == '_';
    if (!fits || ++label > kMaxLabel) return std::nullopt;
  }
  if (!literal && label == 0) return std::nullopt;
  return std::string_view(out.data(), raw.size());
}

}  // namespace sluice::dataplane
