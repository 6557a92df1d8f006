#include "acl/content_match.h"

#include <algorithm>

namespace sluice::acl {
namespace {

bool RequestFits(const HttpMatch& match, const StreamFacts& facts) {
  return (match.method.empty() || match.method == facts.method) &&
         (match.host.empty() || NameFits(match.host, facts.host)) &&
         (match.path.empty() || PathFits(match.path, facts.path));
}

bool AnyNameFits(const std::vector<std::string>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns,
                             [&](const std::string& pattern) { return NameFits(pattern, name); });
}

}  // namespace

bool NameFits(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return !name.empty() && pattern == name;
  const std::string_view suffix = pattern.substr(1);
  return name.size() > suffix.size() && name.ends_with(suffix);
}

bool PathFits(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path;
  return path.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool ContentFits(const Content& content, const StreamFacts& facts) {
  if (!content.IsConditional()) return true;
  if (facts.kind == StreamFacts::Kind::kTls) {
    return content.tls && AnyNameFits(content.tls->server_names, facts.server_name);
  }
  if (facts.kind == StreamFacts::Kind::kDns) {
    return content.dns && AnyNameFits(content.dns->names, facts.question);
  }
  return facts.kind == StreamFacts::Kind::kHttp &&
         std::ranges::any_of(content.http,
                             [&](const HttpMatch& match) { return RequestFits(match, facts); });
}

bool Matches(const FlatRule& rule, const ClassifyKey& key) {
  const uint16_t port = __builtin_bswap16(key.dst_port_be);
  return (rule.protocol == kAnyProtocol || rule.protocol == key.protocol) &&
         rule.src.Contains(__builtin_bswap16(key.src_class_be)) &&
         rule.dst.Contains(__builtin_bswap16(key.dst_class_be)) && rule.port_first <= port &&
         port <= rule.port_last;
}

Decision DecisionOf(const RuleTable& table, uint32_t rule) {
  if (rule == 0) return {};
  const FlatRule& flat = table.rules[rule - 1];
  return {.allow = flat.action == Action::kAllow,
          .reject = flat.action == Action::kReject,
          .own_node = flat.own_node,
          .tier = flat.tier,
          .rule = rule};
}

Decision ResolveLinear(const RuleTable& table, const ClassifyKey& key, Direction direction,
                       const Decision& open, const StreamFacts& facts) {
  uint32_t best = open.plain;
  for (uint32_t hit = 1; hit <= table.rules.size(); ++hit) {
    const FlatRule& rule = table.rules[hit - 1];
    const bool asked = rule.conditional && rule.direction == direction && Matches(rule, key);
    if (!asked || !ContentFits(table.contents[rule.content - 1], facts)) continue;
    if (best == 0 || rule.priority > table.rules[best - 1].priority) best = hit;
  }
  return DecisionOf(table, best);
}

}  // namespace sluice::acl
