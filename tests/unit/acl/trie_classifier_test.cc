// The trie's own promises. That it answers like the oracle: tests/differential.
#include "acl/trie_classifier.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "acl/linear_classifier.h"

namespace sluice::acl {
namespace {

constexpr unsigned kIngress = CategoryOf(Tier::kNetworkPolicy, Direction::kIngress);

// One rule for every class pair (i, i): n rules.
RuleTable Diagonal(size_t n) {
  RuleTable table;
  for (size_t i = 0; i < n; ++i) {
    const auto id = static_cast<ClassId>(i + 1);
    table.rules.push_back(
        {.src = {id, id}, .dst = {id, id}, .priority = static_cast<int32_t>(i + 1)});
  }
  return table;
}

TEST(TrieClassifier, AnEmptyTableAnswersNothing) {
  const auto trie = TrieClassifier::Build(RuleTable{});
  ASSERT_TRUE(trie.ok());
  const std::array<ClassifyKey, 3> keys{};
  std::vector<uint32_t> hits(keys.size() * (*trie)->categories(), 7);
  (*trie)->Classify(keys, hits);
  EXPECT_EQ(hits, std::vector<uint32_t>(hits.size(), 0));
}

TEST(TrieClassifier, AnyNumberOfKeysIsAnswered) {
  const RuleTable table = Diagonal(300);
  const auto trie = TrieClassifier::Build(table);
  ASSERT_TRUE(trie.ok()) << trie.status();
  for (const size_t count : {0, 1, 3, 16, 31, 63, 64, 65, 128, 299}) {
    std::vector<ClassifyKey> keys;
    for (size_t i = 1; i <= count; ++i) {
      const auto id = static_cast<ClassId>(i);
      keys.push_back(ClassifyKey::Make(6, id, id, 80));
    }
    std::vector<uint32_t> hits((count + 1) * (*trie)->categories(), 7);
    (*trie)->Classify(keys, hits);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(hits[i * (*trie)->categories() + kIngress], i + 1) << count;
    }
    EXPECT_EQ(hits[count * (*trie)->categories()], 7u) << "wrote beyond " << count << " keys";
  }
}

TEST(TrieClassifier, OfClassesThatAreNoSubjectsNothingIsAnswered) {
  RuleTable table = Diagonal(200);
  table.rules.push_back({.direction = Direction::kEgress, .src = {1, 200}, .priority = 1});
  const ClassSet subjects({51, 150});
  const auto trie = TrieClassifier::Build(table, {}, &subjects);
  ASSERT_TRUE(trie.ok()) << trie.status();
  constexpr unsigned kEgress = CategoryOf(Tier::kNetworkPolicy, Direction::kEgress);
  std::vector<ClassifyKey> keys;
  for (ClassId id = 1; id <= 200; ++id) keys.push_back(ClassifyKey::Make(6, id, id, 80));
  const unsigned stride = (*trie)->categories();
  std::vector<uint32_t> hits(keys.size() * stride, 7);
  (*trie)->Classify(keys, hits);
  for (size_t k = 0; k < keys.size(); ++k) {
    const bool subject = subjects.Contains(static_cast<ClassId>(k + 1));
    EXPECT_EQ(hits[k * stride + kIngress], subject ? k + 1 : 0) << k;
    EXPECT_EQ(hits[k * stride + kEgress], subject ? 201u : 0u) << k;
  }
}

TEST(TrieClassifier, MemoryIsThatOfEachDirection) {
  const auto empty = TrieClassifier::Build(RuleTable{});
  const auto small = TrieClassifier::Build(Diagonal(1));
  const auto large = TrieClassifier::Build(Diagonal(1000));
  ASSERT_TRUE(empty.ok() && small.ok() && large.ok());
  EXPECT_EQ((*empty)->memory_bytes(), 0u);
  EXPECT_EQ((*small)->memory_bytes(Direction::kEgress), 0u);
  EXPECT_GT((*small)->memory_bytes(Direction::kIngress), 1000u);
  EXPECT_GT((*large)->memory_bytes(), (*small)->memory_bytes() + 1000 * 8);
  EXPECT_LT((*large)->memory_bytes(), TrieLimits().max_memory_bytes);
}

TEST(TrieClassifier, TwoLiveClassifiersAreTwo) {
  const RuleTable small = Diagonal(1);
  const RuleTable large = Diagonal(2);
  const auto a = TrieClassifier::Build(small);
  const auto b = TrieClassifier::Build(large);
  ASSERT_TRUE(a.ok() && b.ok());
  const ClassifyKey key = ClassifyKey::Make(6, 2, 2, 80);
  std::vector<uint32_t> hits(4);
  (*a)->Classify({&key, 1}, hits);
  EXPECT_EQ(hits[kIngress], 0u);
  (*b)->Classify({&key, 1}, hits);
  EXPECT_EQ(hits[kIngress], 2u);
}

TEST(TrieClassifier, AnswersDoNotChangeWhileOthersComeAndGo) {
  const RuleTable table = Diagonal(50);
  const auto kept = TrieClassifier::Build(table);
  ASSERT_TRUE(kept.ok());
  const ClassifyKey key = ClassifyKey::Make(6, 50, 50, 80);
  for (int i = 0; i < 100; ++i) {
    const RuleTable other = Diagonal(10);
    ASSERT_TRUE(TrieClassifier::Build(other).ok());  // freed at once
    std::vector<uint32_t> hits(4);
    (*kept)->Classify({&key, 1}, hits);
    ASSERT_EQ(hits[kIngress], 50u);
  }
}

TEST(TrieClassifier, TooManyRulesAreRefusedWithFigureAndLimit) {
  const absl::Status status = TrieClassifier::Build(Diagonal(11), {.max_rules = 10}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(status.message()), "classifier: 11 rules exceed the limit of 10");
}

TEST(TrieClassifier, TooLittleMemoryIsRefusedWithFigureAndLimit) {
  const absl::Status status =
      TrieClassifier::Build(Diagonal(1000), {.max_memory_bytes = 4096}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_NE(std::string(status.message()).find("1000 rules within 4096 bytes"), std::string::npos)
      << status;
}

TEST(TrieClassifier, ARuleThatRteAclRefusesIsAnInternalError) {
  RuleTable table = Diagonal(1);
  table.rules[0].priority = 0;
  EXPECT_EQ(TrieClassifier::Build(table).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace sluice::acl
