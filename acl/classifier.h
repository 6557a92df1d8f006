// The question both classifiers answer, and how to read the answer.
//
// A key carries classes instead of addresses. The answer has one slot for each category, and a
// category is (tier, direction): 0 says that no rule matched, any other value is 1 + the index of
// the winning FlatRule in the table the classifier was built from.
//
// A conditional rule (FlatRule::conditional) wins like any other. What decides if the connection's
// content does not fit is in a category of its own, plain: the first NetworkPolicy rule that asks
// nothing of the content. So one walk gives both, and acl/content_matcher.h the conditional ones
// between them.
#pragma once

#include <cstdint>
#include <span>

#include "acl/flat_rule.h"

namespace sluice::acl {

// Which directions a key is asked about, as a mask: 1 << Direction.
using Directions = uint8_t;
constexpr Directions Only(Direction direction) {
  return static_cast<Directions>(1u << static_cast<unsigned>(direction));
}
inline constexpr Directions kBothDirections = (1u << kDirections) - 1;

// 12 bytes, network order throughout: rte_acl reads one byte, then groups of four.
struct ClassifyKey {
  uint8_t protocol = 0;
  Directions directions = kBothDirections;  // what is not asked is answered by 0, and costs nothing
  uint8_t pad0[2] = {};
  uint16_t src_class_be = 0;
  uint16_t dst_class_be = 0;
  uint16_t dst_port_be = 0;  // 0 for protocols without ports
  uint16_t pad1 = 0;

  static ClassifyKey Make(uint8_t protocol, ClassId src, ClassId dst, uint16_t dst_port,
                          Directions directions = kBothDirections) {
    ClassifyKey key;
    key.protocol = protocol;
    key.directions = directions;
    key.src_class_be = __builtin_bswap16(src);
    key.dst_class_be = __builtin_bswap16(dst);
    key.dst_port_be = __builtin_bswap16(dst_port);
    return key;
  }
};
static_assert(sizeof(ClassifyKey) == 12);

// NetworkPolicy and Admin fill the first four; only a table with Baseline or conditional rules has
// eight.
inline constexpr unsigned kMaxCategories = 8;
constexpr unsigned CategoryOf(Tier tier, Direction direction) {
  constexpr unsigned kSlot[] = {/*kAdmin=*/1, /*kNetworkPolicy=*/0, /*kBaseline=*/2};
  return kSlot[static_cast<unsigned>(tier)] * kDirections + static_cast<unsigned>(direction);
}
// Filled for a direction with conditional rules only.
constexpr unsigned PlainCategoryOf(Direction direction) {
  return 3 * kDirections + static_cast<unsigned>(direction);
}
// Whether `rule` of `table` is among those that the plain category is about.
inline bool IsPlain(const RuleTable& table, const FlatRule& rule) {
  return rule.tier == Tier::kNetworkPolicy && !rule.conditional &&
         table.has_conditional[static_cast<unsigned>(rule.direction)];
}
// 4 or 8: how many answers a classifier of this table writes for each key.
unsigned CategoriesOf(const RuleTable& table);

// The outcome for one direction.
struct Decision {
  bool allow = true;
  bool reject = false;    // denied, and the sender is to be told
  bool own_node = false;  // denied, and isolated from the pod's own node too
  Tier tier = Tier::kNone;
  uint32_t rule = 0;  // 0: nothing matched (allowed by default); else 1 + index of the rule
  // `rule` is conditional: it is the first that may decide, and allow is said for now. Which one
  // does, the content says (acl/content_matcher.h); `plain` if none does that asks for content.
  bool conditional = false;
  uint32_t plain = 0;  // of a conditional decision, as `rule`
  bool operator==(const Decision&) const = default;
};

// Applies the order of the tiers (DESIGN 5.5): Admin, then NetworkPolicy, then Baseline, then
// allow. Pass, or no match, goes on to the next tier. `hits` are the answers for one key, by
// category; categories beyond hits.size() count as no match.
Decision Decide(const RuleTable& table, std::span<const uint32_t> hits, Direction direction);

}  // namespace sluice::acl
