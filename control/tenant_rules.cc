#include "control/tenant_rules.h"

#include <vector>

namespace sluice::control {
ObjectKey KeyOfPolicy(std::string_view policy) {
  const size_t blank = policy.find(' ');
  ObjectKey key{.kind = std::string(policy.substr(0, blank)), .name = {}};
  const std::string_view name = policy.substr(blank + 1);
  const size_t slash = name.find('/');
  if (slash != std::string_view::npos) key.name.first = name.substr(0, slash);
  key.name.second = slash == std::string_view::npos ? name : name.substr(slash + 1);
  return key;
}

// Those of one policy lie together in the table, as they are made: its name is read once a
// direction.
std::map<ObjectKey, size_t> CountByPolicy(const acl::RuleTable& table) {
  std::vector<size_t> counts(table.sources.size());
  for (const acl::FlatRule& rule : table.rules) ++counts[rule.source];
  std::map<ObjectKey, size_t> rules;
  std::string_view policy;
  size_t* own = nullptr;
  for (size_t source = 0; source < counts.size(); ++source) {
    const acl::RuleSource& from = table.sources[source];
    if (from.rule.empty()) continue;
    if (own == nullptr || policy != from.policies[0]) {
      policy = from.policies[0];
      own = &rules[KeyOfPolicy(policy)];
    }
    *own += counts[source];
  }
  return rules;
}

TenantRules CountByTenant(const acl::RuleTable& table) {
  TenantRules tenants;
  for (const auto& [key, rules] : CountByPolicy(table)) tenants[key.name.first] += rules;
  return tenants;
}

}  // namespace sluice::control
