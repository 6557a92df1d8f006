#include "acl/trie_proof.h"

#include <gtest/gtest.h>

namespace sluice::acl {
namespace {

RuleTable Table(std::vector<FlatRule> rules) {
  RuleTable table;
  table.sources.resize(1);
  int32_t priority = 1;
  for (FlatRule& rule : rules) {
    rule.priority = priority++;
    table.rules.push_back(rule);
  }
  return table;
}

FlatRule Rule(ClassInterval src, uint16_t first, uint16_t last) {
  FlatRule rule;
  rule.src = src;
  rule.dst = {3, 3};
  rule.protocol = 6;
  rule.port_first = first;
  rule.port_last = last;
  return rule;
}

const std::vector<FlatRule> kRules = {Rule({1, 4}, 80, 90), Rule({2, 2}, 85, 85),
                                      Rule({0, kMaxClass}, 443, 443)};
constexpr size_t kClasses = 6;
const ClassSet kSubjects({3, 3});

absl::StatusOr<Proof> Prove(const std::vector<FlatRule>& built, const std::vector<FlatRule>& meant,
                            const ProofLimits& limits = {}) {
  auto trie = TrieClassifier::Build(Table(built));
  EXPECT_TRUE(trie.ok()) << trie.status();
  return ProveTrie(Table(meant), **trie, kClasses, kSubjects, limits);
}

TEST(TrieProof, ATrieOfTheSameRulesPasses) {
  const auto proof = Prove(kRules, kRules);
  ASSERT_TRUE(proof.ok()) << proof.status();
  // Egress: one protocol, one interval. Ingress: TCP's 0, 80, 85, 86, 91, 443, 444 and another's.
  EXPECT_EQ(proof->atoms, kClasses * (1 + 7 + 1));
  EXPECT_TRUE(proof->exhaustive);
  EXPECT_GE(proof->keys, proof->atoms);
}

TEST(TrieProof, AnEmptyTablePasses) { EXPECT_TRUE(Prove({}, {}).ok()); }

// Each rule in turn is wrong in one way; both where every atom is asked about and where few are.
TEST(TrieProof, AWrongRuleInTheTrieIsCaught) {
  const std::vector<std::pair<const char*, void (*)(FlatRule&)>> mistakes = {
      {"a port too many", [](FlatRule& r) { ++r.port_last; }},
      {"a port too few", [](FlatRule& r) { ++r.port_first; }},
      {"a peer too many", [](FlatRule& r) { r.src.last = 5; }},
      {"no peer but one",
       [](FlatRule& r) {
         r.src = {5, 5};
       }},
      {"another subject",
       [](FlatRule& r) {
         r.dst = {4, 4};
       }},
      {"another protocol", [](FlatRule& r) { r.protocol = 17; }},
      {"the other direction", [](FlatRule& r) { r.direction = Direction::kEgress; }},
      {"another tier", [](FlatRule& r) { r.tier = Tier::kAdmin; }},
  };
  for (const ProofLimits limits : {ProofLimits{}, ProofLimits{.max_atoms = 1}}) {
    for (size_t i = 0; i < kRules.size(); ++i) {
      for (const auto& [what, make] : mistakes) {
        std::vector<FlatRule> wrong = kRules;
        make(wrong[i]);
        if (wrong == kRules || (i == 2 && wrong[i].src.last == 5)) continue;  // the same, or more
        EXPECT_EQ(Prove(wrong, kRules, limits).status().code(), absl::StatusCode::kInternal)
            << what << ", rule " << i << ", at most " << limits.max_atoms;
      }
    }
  }
}

TEST(TrieProof, TheOrderOfRulesThatOverlapIsCaught) {
  const std::vector<FlatRule> swapped = {kRules[1], kRules[0], kRules[2]};
  EXPECT_FALSE(Prove(swapped, kRules).ok());
}

TEST(TrieProof, ARuleThatIsMissingIsCaught) {
  for (size_t i = 0; i < kRules.size(); ++i) {
    std::vector<FlatRule> fewer = kRules;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(Prove(fewer, kRules).ok()) << "rule " << i;
  }
}

}  // namespace
}  // namespace sluice::acl
