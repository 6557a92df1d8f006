// Validate(SluicePolicy): what a NetworkPolicy is held to, and what its rules have beside.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "acl/checks.h"
#include "acl/rule_checks.h"
#include "acl/validate.h"

namespace sluice::acl {
namespace {

// Of one rule.
constexpr size_t kMaxNames = 10'000;
constexpr size_t kMaxRequests = 1'000;
constexpr size_t kMaxPatterns = 1'000;
constexpr size_t kMaxPatternBytes = 1'024;

Finding CheckHostNames(const std::string& field, const std::vector<std::string>& names) {
  if (names.empty()) return field + ": needs at least one entry";
  if (auto f = CheckCount(field, names.size(), kMaxNames)) return f;
  for (size_t i = 0; i < names.size(); ++i) {
    if (const auto refusal = CheckHost(names[i])) {
      return At(fmt::format("{}[{}]", field, i), refusal);
    }
  }
  return std::nullopt;
}

Finding CheckRequest(const std::string& field, const HttpMatch& match) {
  if (!match.method.empty()) {
    if (auto f = At(field + ".method", CheckHttpMethod(match.method))) return f;
  }
  if (!match.host.empty()) {
    if (auto f = At(field + ".host", CheckHost(match.host))) return f;
  }
  return match.path.empty() ? std::nullopt : At(field + ".path", CheckHttpPath(match.path));
}

Finding CheckHttp(const std::string& field, const std::vector<HttpMatch>& http) {
  if (auto f = CheckCount(field, http.size(), kMaxRequests)) return f;
  for (size_t i = 0; i < http.size(); ++i) {
    if (auto f = CheckRequest(fmt::format("{}[{}]", field, i), http[i])) return f;
  }
  return std::nullopt;
}

Finding CheckPatternText(const std::string& field, const std::string& pattern) {
  if (pattern.empty()) return field + ": is required";
  if (pattern.size() > kMaxPatternBytes) {
    return fmt::format("{}: has {} bytes, more than {}", field, pattern.size(), kMaxPatternBytes);
  }
  // It would end there for Hyperscan.
  if (pattern.find('\0') != std::string::npos) return field + ": holds a NUL byte: write \\x00";
  return std::nullopt;
}

Finding CheckContentPatterns(const std::string& field, const SluiceRule& rule) {
  const std::vector<ContentPattern>& patterns = rule.content.patterns;
  if (patterns.empty()) return std::nullopt;
  if (rule.action == "deny") return field + ": patterns are looked for in what a rule allows";
  if (auto f = CheckCount(field, patterns.size(), kMaxPatterns)) return f;
  for (size_t i = 0; i < patterns.size(); ++i) {
    const std::string entry = fmt::format("{}[{}].pattern", field, i);
    if (auto f = CheckPatternText(entry, patterns[i].pattern)) return f;
  }
  return std::nullopt;
}

// That the rule can be about what it asks for.
Finding CheckProtocol(const std::string& field, const SluiceRule& rule) {
  const Content& content = rule.content;
  if (!content.IsConditional()) return std::nullopt;
  if (content.dns && (content.tls || !content.http.empty())) {
    return field + ".dns: does not go together with tls or http: no connection says both";
  }
  const std::vector<NetworkPolicyPort>& ports = rule.match.ports;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ProtocolNumber(ports[i].protocol) == content.Protocol()) continue;
    return fmt::format(
        "{}.ports[{}].protocol: {} only", field, i,
        content.dns ? "dns is looked for in UDP" : "tls and http are looked for in TCP");
  }
  return std::nullopt;
}

Finding CheckPlace(const std::string& field, const SluiceRule& rule) {
  if (auto f = CheckRuleName(field + ".name", rule.name)) return f;
  if (!rule.action.empty() && rule.action != "allow" && rule.action != "deny") {
    return fmt::format("{}.action: {} is not supported: allow or deny", field, Quoted(rule.action));
  }
  if (0 <= rule.order && rule.order <= kMaxRuleOrder) return std::nullopt;
  return fmt::format("{}.order: {} is not between 0 and {}", field, rule.order, kMaxRuleOrder);
}

Finding CheckSluiceRule(const std::string& field, const char* peers, const SluiceRule& rule) {
  if (auto f = CheckPlace(field, rule)) return f;
  if (auto f = CheckRule(field, peers, rule.match)) return f;
  const Content& content = rule.content;
  if (content.tls) {
    if (auto f = CheckHostNames(field + ".tls.serverNames", content.tls->server_names)) return f;
  }
  if (content.dns) {
    if (auto f = CheckHostNames(field + ".dns.names", content.dns->names)) return f;
  }
  if (auto f = CheckHttp(field + ".http", content.http)) return f;
  if (auto f = CheckContentPatterns(field + ".content", rule)) return f;
  return CheckProtocol(field, rule);
}

Finding CheckRules(const char* direction, const char* peers, const std::vector<SluiceRule>& rules) {
  for (size_t r = 0; r < rules.size(); ++r) {
    const std::string field = fmt::format("spec.{}[{}]", direction, r);
    if (auto f = CheckSluiceRule(field, peers, rules[r])) return f;
  }
  return std::nullopt;
}

Finding Check(const SluicePolicy& policy) {
  if (auto f = CheckNames(policy.namespace_name, policy.name)) return f;
  if (auto f = CheckSelector("spec.podSelector", policy.pod_selector)) return f;
  if (auto f = CheckPolicyTypes(policy.policy_types)) return f;
  if (auto f = CheckRules("ingress", "from", policy.ingress)) return f;
  if (auto f = CheckRules("egress", "to", policy.egress)) return f;
  return CheckPolicyFor(policy.networks);
}

}  // namespace

absl::Status Validate(const SluicePolicy& policy) {
  return ToStatus(ObjectName("SluicePolicy", policy.namespace_name, policy.name), Check(policy));
}

}  // namespace sluice::acl
