#include "control/oracle_check.h"

#include <gtest/gtest.h>

#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

acl::RuleTable Table(std::vector<acl::FlatRule> rules) {
  acl::RuleTable table;
  table.sources.resize(1);
  int32_t priority = 1;
  for (acl::FlatRule& rule : rules) {
    rule.priority = priority++;
    table.rules.push_back(rule);
  }
  return table;
}

acl::FlatRule Rule(acl::ClassInterval src, uint16_t first, uint16_t last) {
  acl::FlatRule rule;
  rule.src = src;
  rule.dst = {3, 3};
  rule.protocol = 6;
  rule.port_first = first;
  rule.port_last = last;
  return rule;
}

const std::vector<acl::FlatRule> kRules = {Rule({1, 4}, 80, 90), Rule({2, 2}, 85, 85),
                                           Rule({0, acl::kMaxClass}, 443, 443)};

TEST(OracleCheckTest, ATrieOfTheSameRulesPasses) {
  const acl::RuleTable table = Table(kRules);
  auto trie = acl::TrieClassifier::Build(table);
  ASSERT_TRUE(trie.ok()) << trie.status();
  EXPECT_TRUE(CheckAgainstOracle(table, **trie).ok());
}

TEST(OracleCheckTest, AnEmptyTablePasses) {
  auto trie = acl::TrieClassifier::Build({});
  ASSERT_TRUE(trie.ok()) << trie.status();
  EXPECT_TRUE(CheckAgainstOracle({}, **trie).ok());
}

// Each rule in turn is off by one port in the trie.
TEST(OracleCheckTest, ATrieThatIsOffByOnePortFails) {
  for (size_t i = 0; i < kRules.size(); ++i) {
    std::vector<acl::FlatRule> wrong = kRules;
    ++wrong[i].port_last;
    auto trie = acl::TrieClassifier::Build(Table(wrong));
    ASSERT_TRUE(trie.ok()) << trie.status();
    const absl::Status status = CheckAgainstOracle(Table(kRules), **trie);
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << "rule " << i;
  }
}

}  // namespace
}  // namespace sluice::control
