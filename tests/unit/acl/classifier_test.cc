// The order of tiers, and the linear oracle.
#include "acl/classifier.h"

#include <gtest/gtest.h>

#include <array>

#include "acl/linear_classifier.h"

namespace sluice::acl {
namespace {

constexpr Action kAllow = Action::kAllow;
constexpr Action kDeny = Action::kDeny;
constexpr Action kPass = Action::kPass;

// What each tier says of the ingress of one key; no value: no match.
struct Row {
  const char* what;
  std::optional<Action> admin;
  std::optional<Action> network_policy;
  std::optional<Action> baseline;
  bool allow;
  Tier tier;
};

TEST(Decide, TiersAreAskedInOrder) {
  const Row rows[] = {
      {"nothing matches", {}, {}, {}, true, Tier::kNone},
      {"admin allow is final", kAllow, kDeny, kDeny, true, Tier::kAdmin},
      {"admin deny is final", kDeny, kAllow, kAllow, false, Tier::kAdmin},
      {"admin pass goes on", kPass, kDeny, kAllow, false, Tier::kNetworkPolicy},
      {"network policy allow is final", {}, kAllow, kDeny, true, Tier::kNetworkPolicy},
      {"network policy deny is final", {}, kDeny, kAllow, false, Tier::kNetworkPolicy},
      {"baseline decides what is left", {}, {}, kDeny, false, Tier::kBaseline},
      {"after pass, baseline", kPass, {}, kDeny, false, Tier::kBaseline},
      {"pass everywhere", kPass, {}, kPass, true, Tier::kNone},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    RuleTable table;
    std::array<uint32_t, kMaxCategories> hits{};
    const auto add = [&](Tier tier, std::optional<Action> action) {
      if (!action) return;
      table.rules.push_back({.tier = tier, .action = *action});
      hits[CategoryOf(tier, Direction::kIngress)] = static_cast<uint32_t>(table.rules.size());
    };
    add(Tier::kAdmin, row.admin);
    add(Tier::kNetworkPolicy, row.network_policy);
    add(Tier::kBaseline, row.baseline);
    const Decision decision = Decide(table, hits, Direction::kIngress);
    EXPECT_EQ(decision.allow, row.allow);
    EXPECT_EQ(decision.tier, row.tier);
    EXPECT_EQ(decision.rule == 0, row.tier == Tier::kNone);
    EXPECT_TRUE(Decide(table, hits, Direction::kEgress).allow);
  }
}

TEST(Decide, ARejectIsADenialThatWantsAnAnswer) {
  RuleTable table;
  table.rules.push_back({.tier = Tier::kNetworkPolicy, .action = Action::kReject});
  table.rules.push_back({.tier = Tier::kNetworkPolicy, .action = kDeny});
  std::array<uint32_t, kMaxCategories> hits{};
  for (const uint32_t rule : {1u, 2u}) {
    hits[CategoryOf(Tier::kNetworkPolicy, Direction::kEgress)] = rule;
    const Decision decision = Decide(table, hits, Direction::kEgress);
    EXPECT_FALSE(decision.allow);
    EXPECT_EQ(decision.reject, rule == 1);
    EXPECT_EQ(decision.rule, rule);
  }
}

TEST(Decide, APodThatIsClosedToItsNodeIsSoUnderAnyDeny) {
  RuleTable table;
  table.rules.push_back({.tier = Tier::kAdmin, .action = kDeny});
  table.rules.push_back({.tier = Tier::kAdmin, .action = kPass});
  table.rules.push_back({.tier = Tier::kAdmin, .action = kAllow});
  table.rules.push_back({.tier = Tier::kNetworkPolicy, .action = kDeny, .own_node = true});
  table.rules.push_back({.tier = Tier::kNetworkPolicy, .action = kDeny});
  const auto closes = [&](uint32_t admin, uint32_t network_policy) {
    std::array<uint32_t, kMaxCategories> hits{};
    hits[CategoryOf(Tier::kAdmin, Direction::kIngress)] = admin;
    hits[CategoryOf(Tier::kNetworkPolicy, Direction::kIngress)] = network_policy;
    return Decide(table, hits, Direction::kIngress).own_node;
  };
  for (const uint32_t admin : {0u, 1u, 2u}) {
    EXPECT_TRUE(closes(admin, 4)) << admin;
    EXPECT_FALSE(closes(admin, 5)) << admin;
    EXPECT_FALSE(closes(admin, 0)) << admin;
  }
  EXPECT_FALSE(closes(3, 4)) << "allowed";
}

TEST(Decide, CategoriesThatWereNotAskedCountAsNoMatch) {
  RuleTable table;
  table.rules.push_back({.tier = Tier::kBaseline, .action = kDeny});
  EXPECT_EQ(Decide(table, std::array<uint32_t, 4>{}, Direction::kIngress), Decision{});
}

TEST(Categories, BaselineAloneCostsEight) {
  RuleTable table;
  EXPECT_EQ(CategoriesOf(table), 4u);
  table.rules.push_back({.tier = Tier::kAdmin});
  EXPECT_EQ(CategoriesOf(table), 4u);
  table.rules.push_back({.tier = Tier::kBaseline});
  EXPECT_EQ(CategoriesOf(table), 8u);
}

TEST(Categories, EachTierAndDirectionHasItsOwn) {
  std::array<bool, kMaxCategories> taken{};
  for (const Tier tier : {Tier::kAdmin, Tier::kNetworkPolicy, Tier::kBaseline}) {
    for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
      const unsigned category = CategoryOf(tier, direction);
      ASSERT_LT(category, tier == Tier::kBaseline ? 8u : 4u);
      EXPECT_FALSE(taken[category]);
      taken[category] = true;
    }
  }
}

TEST(LinearClassifier, TheHighestPriorityThatMatchesWinsInEachCategory) {
  RuleTable table;
  table.rules = {
      {.direction = Direction::kIngress, .priority = 1},
      {.direction = Direction::kIngress,
       .protocol = 6,
       .src = {2, 4},
       .port_first = 80,
       .port_last = 90,
       .priority = 3},
      {.direction = Direction::kIngress, .src = {3, 3}, .dst = {7, 7}, .priority = 2},
      {.direction = Direction::kEgress, .src = {3, 3}, .priority = 9},
  };
  const struct {
    ClassifyKey key;
    uint32_t egress, ingress;
  } rows[] = {
      {ClassifyKey::Make(6, 2, 7, 80), 0, 2},
      {ClassifyKey::Make(6, 4, 7, 90), 0, 2},
      {ClassifyKey::Make(6, 4, 7, 91), 0, 1},
      {ClassifyKey::Make(6, 5, 7, 80), 0, 1},
      {ClassifyKey::Make(17, 3, 7, 80), 4, 3},
      {ClassifyKey::Make(17, 3, 8, 80), 4, 1},
      {ClassifyKey::Make(6, 3, 7, 80), 4, 2},
      {ClassifyKey::Make(1, 0, 0, 0), 0, 1},
      {ClassifyKey::Make(6, 3, 7, 80, Only(Direction::kEgress)), 4, 0},
      {ClassifyKey::Make(6, 3, 7, 80, Only(Direction::kIngress)), 0, 2},
      {ClassifyKey::Make(6, 3, 7, 80, 0), 0, 0},
  };
  const LinearClassifier classifier(table);
  for (const auto& row : rows) {
    std::array<uint32_t, 4> hits = {9, 9, 9, 9};
    classifier.Classify({&row.key, 1}, hits);
    EXPECT_EQ(hits[CategoryOf(Tier::kNetworkPolicy, Direction::kEgress)], row.egress);
    EXPECT_EQ(hits[CategoryOf(Tier::kNetworkPolicy, Direction::kIngress)], row.ingress);
    EXPECT_EQ(hits[CategoryOf(Tier::kAdmin, Direction::kIngress)], 0u);
  }
}

}  // namespace
}  // namespace sluice::acl
