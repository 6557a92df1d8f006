#include "acl/classifier.h"

#include <algorithm>

namespace sluice::acl {

unsigned CategoriesOf(const RuleTable& table) {
  const bool baseline = std::any_of(table.rules.begin(), table.rules.end(),
                                    [](const FlatRule& r) { return r.tier == Tier::kBaseline; });
  return baseline || table.has_conditional[0] || table.has_conditional[1] ? kMaxCategories
                                                                          : kMaxCategories / 2;
}

namespace {

uint32_t PlainHit(std::span<const uint32_t> hits, Direction direction) {
  const unsigned category = PlainCategoryOf(direction);
  return category < hits.size() ? hits[category] : 0;
}

// A default deny stays what it is for the pod's own node when a tier before it denies as well,
// whatever the content may be.
bool ClosesOwnNode(const RuleTable& table, std::span<const uint32_t> hits, Direction direction) {
  const unsigned category = CategoryOf(Tier::kNetworkPolicy, direction);
  uint32_t hit = category < hits.size() ? hits[category] : 0;
  if (hit != 0 && table.rules[hit - 1].conditional) hit = PlainHit(hits, direction);
  return hit != 0 && table.rules[hit - 1].own_node;
}

}  // namespace

Decision Decide(const RuleTable& table, std::span<const uint32_t> hits, Direction direction) {
  for (const Tier tier : {Tier::kAdmin, Tier::kNetworkPolicy, Tier::kBaseline}) {
    const unsigned category = CategoryOf(tier, direction);
    const uint32_t hit = category < hits.size() ? hits[category] : 0;
    if (hit == 0) continue;
    const FlatRule& rule = table.rules[hit - 1];
    if (rule.action == Action::kPass) continue;
    if (rule.conditional) {
      return {.tier = tier, .rule = hit, .conditional = true, .plain = PlainHit(hits, direction)};
    }
    const bool allow = rule.action == Action::kAllow;
    return {.allow = allow,
            .reject = rule.action == Action::kReject,
            .own_node = !allow && ClosesOwnNode(table, hits, direction),
            .tier = tier,
            .rule = hit};
  }
  return {};
}

}  // namespace sluice::acl
