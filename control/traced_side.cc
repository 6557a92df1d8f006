#include "control/traced_side.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::control {

std::optional<Side> SideOf(const dataplane::TraceSide& traced, const acl::RuleIds* rules) {
  if (!traced.judged) return std::nullopt;
  Side side{.allow = traced.allow, .tier = traced.tier};
  if (traced.rule == acl::kNoRule) return side;
  const acl::RuleSource* source = rules == nullptr ? nullptr : rules->Find(traced.rule);
  side.policies = source != nullptr ? source->policies : std::vector<std::string>{"(deleted)"};
  if (source != nullptr) side.rule = source->rule;
  return side;
}

std::string SideText(const dataplane::TraceSide& traced, const acl::RuleIds* rules) {
  const std::optional<Side> side = SideOf(traced, rules);
  if (!side) return "not judged here";
  if (side->policies.empty()) return "allow (no policy)";
  const std::string rule = side->rule.empty() ? "(nothing allows it)" : side->rule;
  const char* word = traced.conditional ? "what it says decides," : side->allow ? "allow" : "deny";
  return fmt::format("{} by {} {}", word, fmt::join(side->policies, ", "), rule);
}

}  // namespace sluice::control
