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

}  // namespace
}  // namespace sluice::acl
