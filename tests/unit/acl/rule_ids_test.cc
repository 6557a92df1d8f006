// A rule keeps its number from table to table, and its name for a while after it is gone.
#include "acl/rule_ids.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace sluice::acl {
namespace {

RuleSource Source(const std::string& policy, const std::string& rule = "") {
  return {Tier::kNetworkPolicy, {"NetworkPolicy " + policy}, rule};
}

RuleTable Table(std::vector<RuleSource> sources) {
  RuleTable table;
  table.sources = std::move(sources);
  return table;
}

TEST(RuleIds, ARuleKeepsItsNumberWhateverItsIndex) {
  const auto first = RuleIds::Next(nullptr, Table({Source("n/a"), Source("n/b", "ingress[0]")}));
  const auto second = RuleIds::Next(
      first.get(), Table({Source("n/c"), Source("n/b", "ingress[0]"), Source("n/a")}));
  EXPECT_EQ(second->Of(2), first->Of(0));
  EXPECT_EQ(second->Of(1), first->Of(1));
  EXPECT_NE(second->Of(0), first->Of(0));
  EXPECT_NE(second->Of(0), kNoRule);
  EXPECT_EQ(*second->Find(second->Of(0)), Source("n/c"));
}

TEST(RuleIds, TheRulesOfOnePolicyDiffer) {
  const auto ids = RuleIds::Next(
      nullptr, Table({Source("n/a"), Source("n/a", "ingress[0]"), Source("n/a", "ingress[1]")}));
  EXPECT_NE(ids->Of(0), ids->Of(1));
  EXPECT_NE(ids->Of(1), ids->Of(2));
}

TEST(RuleIds, ADeletedRuleIsNamedButNotInForceAndComesBackUnderItsNumber) {
  const auto first = RuleIds::Next(nullptr, Table({Source("n/a")}));
  const RuleId id = first->Of(0);
  const auto second = RuleIds::Next(first.get(), Table({}));
  ASSERT_NE(second->Find(id), nullptr);
  EXPECT_FALSE(second->InForce(id));
  const auto third = RuleIds::Next(second.get(), Table({Source("n/a")}));
  EXPECT_EQ(third->Of(0), id);
  EXPECT_TRUE(third->InForce(id));
}

TEST(RuleIds, TheLongestGoneAreForgottenAndNumbersAreNotUsedAgain) {
  auto ids = RuleIds::Next(nullptr, Table({Source("n/first")}));
  const RuleId first = ids->Of(0);
  ids = RuleIds::Next(ids.get(), Table({Source("n/second")}));
  const RuleId second = ids->Of(0);
  std::vector<RuleSource> many;
  for (size_t i = 0; i + 1 < RuleIds::kRemembered; ++i)
    many.push_back(Source(fmt::format("m/{}", i)));
  ids = RuleIds::Next(ids.get(), Table(many));
  EXPECT_NE(ids->Find(first), nullptr);
  ids = RuleIds::Next(ids.get(), Table({}));
  EXPECT_EQ(ids->Find(first), nullptr);
  EXPECT_NE(ids->Find(second), nullptr);
  ids = RuleIds::Next(ids.get(), Table({Source("n/first")}));
  EXPECT_GT(ids->Of(0), second + many.size());
}

TEST(RuleIdsBesideABase, ShareItsNumbersAndGoOnFromThem) {
  const auto base = RuleIds::Next(nullptr, Table({Source("n/a"), Source("n/b")}));
  const auto beside = RuleIds::Beside(base, nullptr, Table({Source("n/new"), Source("n/b")}),
                                      {"NetworkPolicy n/b"});
  EXPECT_EQ(beside->Of(1), base->Of(1));
  EXPECT_GT(beside->Of(0), base->Of(1));
  EXPECT_EQ(*beside->Find(base->Of(0)), Source("n/a"));
  EXPECT_TRUE(beside->InForce(base->Of(0)));
  EXPECT_TRUE(beside->InForce(base->Of(1))) << "said again";
  EXPECT_TRUE(beside->IsAheadOf(*base));
}

TEST(RuleIdsBesideABase, AReplacedRuleThatIsNotSaidAgainIsGone) {
  const auto base = RuleIds::Next(nullptr, Table({Source("n/a"), Source("n/b")}));
  const auto beside = RuleIds::Beside(base, nullptr, Table({}), {"NetworkPolicy n/b"});
  EXPECT_TRUE(beside->InForce(base->Of(0)));
  EXPECT_FALSE(beside->InForce(base->Of(1)));
  EXPECT_EQ(*beside->Find(base->Of(1)), Source("n/b"));
}

TEST(RuleIdsBesideABase, FollowEachOtherAndBecomeABase) {
  const auto base = RuleIds::Next(nullptr, Table({Source("n/a"), Source("n/b")}));
  const auto first = RuleIds::Beside(base, nullptr, Table({Source("n/x")}), {"NetworkPolicy n/b"});
  const auto second =
      RuleIds::Beside(base, first.get(), Table({Source("n/y")}), {"NetworkPolicy n/b"});
  EXPECT_NE(second->Of(0), first->Of(0));
  EXPECT_FALSE(second->InForce(first->Of(0)));
  EXPECT_EQ(*second->Find(first->Of(0)), Source("n/x"));
  const auto merged = RuleIds::Next(second.get(), Table({Source("n/y"), Source("n/a")}));
  EXPECT_EQ(merged->Of(0), second->Of(0));
  EXPECT_EQ(merged->Of(1), base->Of(0));
  EXPECT_FALSE(merged->InForce(base->Of(1)));
  EXPECT_FALSE(merged->InForce(first->Of(0)));
  EXPECT_NE(merged->Find(first->Of(0)), nullptr);
}

TEST(RuleIdsBesideABase, ANeighboursRulesAreInForceButForThoseOfReplacedPolicies) {
  const auto base = RuleIds::Next(nullptr, Table({Source("n/a")}));
  const RuleTable first_table = Table({Source("n/x"), Source("n/y")});
  const auto first = RuleIds::Beside(base, nullptr, first_table, {});
  const std::set<std::string> replaced = {"NetworkPolicy n/y"};
  const std::vector<RuleIds::Neighbour> neighbours = {{&first_table, &replaced}};
  const auto second =
      RuleIds::Beside(base, first.get(), Table({Source("n/z")}), replaced, neighbours);
  EXPECT_EQ(*second->Find(second->Of(0)), Source("n/z"));
  EXPECT_TRUE(second->InForce(first->Of(0)));
  EXPECT_FALSE(second->InForce(first->Of(1)));
  EXPECT_EQ(*second->Find(first->Of(1)), Source("n/y"));
}

// A rule that is gone in a base and said again beside it is not gone.
TEST(RuleIdsBesideABase, NothingIsForgottenTwice) {
  std::vector<RuleSource> few, more;
  for (int i = 0; i < 60; ++i) few.push_back(Source(fmt::format("n/{}", i)));
  for (int i = 0; i < 100; ++i) more.push_back(Source(fmt::format("n/{}", i)));
  auto ids = RuleIds::Beside(RuleIds::Next(nullptr, Table({})), nullptr, Table(few), {});
  const RuleId first = ids->Of(0);
  for (int i = 0; i < 70; ++i) {
    ids = RuleIds::Beside(RuleIds::Next(ids.get(), Table({})), ids.get(), Table(few), {});
  }
  EXPECT_EQ(ids->Of(0), first);
  ids = RuleIds::Beside(RuleIds::Next(ids.get(), Table({})), ids.get(), Table(more), {});
  ids = RuleIds::Next(ids.get(), Table({}));
  EXPECT_EQ(*ids->Find(first), Source("n/0"));
}

// A base that was numbered while more was numbered beside the one before it.
TEST(RuleIdsBesideABase, GoOnBesideABaseThatFollowsAnEarlierState) {
  const auto base = RuleIds::Next(nullptr, Table({Source("n/a")}));
  const auto first = RuleIds::Beside(base, nullptr, Table({Source("n/x")}), {});
  const auto rebuilt = RuleIds::Next(first.get(), Table({Source("n/a"), Source("n/x")}));
  const auto second = RuleIds::Beside(base, first.get(), Table({Source("n/x"), Source("n/y")}), {});
  const auto after = RuleIds::Beside(rebuilt, second.get(), Table({}), {});
  EXPECT_FALSE(rebuilt->IsAheadOf(*first));
  EXPECT_EQ(*after->Find(second->Of(1)), Source("n/y"));
  EXPECT_TRUE(after->InForce(second->Of(0))) << "of the base now";
  EXPECT_FALSE(after->InForce(second->Of(1)));
  const auto later = RuleIds::Beside(rebuilt, after.get(), Table({Source("n/z")}), {});
  EXPECT_GT(later->Of(0), second->Of(1)) << "no number is given out twice";
}

}  // namespace
}  // namespace sluice::acl
