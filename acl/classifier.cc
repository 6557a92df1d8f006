#include "acl/classifier.h"

#include <algorithm>

namespace sluice::acl {

unsigned CategoriesOf(const RuleTable& table) {
  const bool baseline = std::any_of(table.rules.begin(), table.rules.end(),
                                    [](const FlatRule& r) { return r.tier == Tier::kBaseline; });
  return baseline ? kMaxCategories : kMaxCategories / 2;
}

Decision Decide(const RuleTable& table, std::span<const uint32_t> hits, Direction direction) {
  for (const Tier tier : {Tier::kAdmin, Tier::kNetworkPolicy, Tier::kBaseline}) {
    const unsigned category = CategoryOf(tier, direction);
    const uint32_t hit = category < hits.size() ? hits[category] : 0;
    if (hit == 0) continue;
    const FlatRule& rule = table.rules[hit - 1];
    if (rule.action == Action::kPass) continue;
    return {.allow = rule.action == Action::kAllow,
            .reject = rule.action == Action::kReject,
            .own_node = rule.own_node,
            .tier = tier,
            .rule = hit};
  }
  return {};
}

}  // namespace sluice::acl
