// The trie against the linear oracle, and Compile against itself on shuffled input.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "acl/compiler.h"
#include "acl/linear_classifier.h"
#include "acl/trie_classifier.h"
#include "tests/differential/random_cluster.h"

namespace sluice::acl {
namespace {

constexpr uint64_t kClusters = 200;
constexpr size_t kMaxKeys = 20'000;  // of one table; beyond, a random sample
constexpr uint8_t kProtocols[] = {0, 1, 6, 17, 58, 132, 255};

// Both sides of every edge of the port ranges of `table`.
std::set<uint16_t> PortEdges(const RuleTable& table) {
  std::set<uint16_t> edges = {0, 0xffff};
  for (const FlatRule& rule : table.rules) {
    edges.insert(rule.port_first);
    edges.insert(rule.port_last);
    edges.insert(static_cast<uint16_t>(rule.port_first - 1));
    edges.insert(static_cast<uint16_t>(rule.port_last + 1));
  }
  return edges;
}

// One key for every pair of classes, protocol and port edge, or a sample of them. Most ask about
// both directions, some about one or none.
std::vector<ClassifyKey> Keys(const RuleTable& table, const std::vector<ClassId>& classes,
                              std::mt19937_64& random) {
  const std::set<uint16_t> edges = PortEdges(table);
  const std::vector<uint16_t> ports(edges.begin(), edges.end());
  const size_t all = classes.size() * classes.size() * std::size(kProtocols) * ports.size();
  std::vector<ClassifyKey> keys;
  for (size_t i = 0; i < std::min(all, kMaxKeys); ++i) {
    size_t n = all <= kMaxKeys ? i : random() % all;
    const auto next = [&n](size_t size) {
      const size_t index = n % size;
      n /= size;
      return index;
    };
    const uint8_t protocol = kProtocols[next(std::size(kProtocols))];
    const ClassId src = classes[next(classes.size())];
    const ClassId dst = classes[next(classes.size())];
    const Directions asked =
        random() % 2 == 0 ? kBothDirections : static_cast<Directions>(random() % 4);
    keys.push_back(ClassifyKey::Make(protocol, src, dst, ports[next(ports.size())], asked));
  }
  return keys;
}

void ExpectSameAnswers(const RuleTable& table, const std::vector<ClassifyKey>& keys, Simd simd) {
  const auto trie = TrieClassifier::Build(table, {.simd = simd});
  ASSERT_TRUE(trie.ok()) << trie.status();
  const LinearClassifier linear(table);
  ASSERT_EQ((*trie)->categories(), linear.categories());
  std::vector<uint32_t> expected(keys.size() * linear.categories());
  std::vector<uint32_t> seen(expected.size(), 0xdeadbeef);
  linear.Classify(keys, expected);
  (*trie)->Classify(keys, seen);
  const auto [want, got] = std::mismatch(expected.begin(), expected.end(), seen.begin());
  if (want == expected.end()) return;
  const auto place = static_cast<size_t>(want - expected.begin());
  const ClassifyKey& key = keys[place / linear.categories()];
  FAIL() << fmt::format("category {}: linear {}, trie {}; protocol {}, class {} -> {}, port {}",
                        place % linear.categories(), *want, *got, key.protocol,
                        __builtin_bswap16(key.src_class_be), __builtin_bswap16(key.dst_class_be),
                        __builtin_bswap16(key.dst_port_be));
}

TEST(Trie, AgreesWithTheOracleOnRandomPolicies) {
  size_t rules = 0, keys = 0;
  for (const uint64_t seed : Seeds(kClusters)) {
    SCOPED_TRACE(fmt::format("SLUICE_SEED={}", seed));
    const CompiledPolicy compiled = *Compile(RandomCluster(seed, kCompiledKinds).Make());
    std::vector<ClassId> classes = {0xffff};
    for (size_t id = 0; id <= compiled.classes.size(); ++id) {
      classes.push_back(static_cast<ClassId>(id));
    }
    std::mt19937_64 random(seed);
    const std::vector<ClassifyKey> asked = Keys(compiled.table, classes, random);
    ExpectSameAnswers(compiled.table, asked, Simd::kAvx512);
    ASSERT_FALSE(HasFailure());
    rules += compiled.table.rules.size();
    keys += asked.size();
  }
  EXPECT_GT(rules, kClusters * 5);
  std::printf("%zu rules, %zu keys\n", rules, keys);
}

// Tables that no policy of today makes: all tiers and actions, ranges across everything.
RuleTable RandomTable(std::mt19937_64& random) {
  const auto below = [&random](size_t limit) { return random() % limit; };
  const auto range = [&](size_t limit) {
    const size_t a = below(limit), b = below(limit);
    return std::pair(static_cast<uint16_t>(std::min(a, b)), static_cast<uint16_t>(std::max(a, b)));
  };
  RuleTable table;
  const size_t tiers = 1 + below(3);
  for (size_t i = 1 + below(60); i > 0; --i) {
    const auto [src_first, src_last] = range(20);
    const auto [dst_first, dst_last] = range(below(2) == 0 ? 20 : 0x10000);
    const auto [port_first, port_last] = range(0x10000);
    table.rules.push_back({.direction = static_cast<Direction>(below(2)),
                           .tier = static_cast<Tier>(below(tiers)),
                           .action = static_cast<Action>(below(3)),
                           .protocol = below(3) == 0 ? kAnyProtocol : int16_t{6},
                           .src = {src_first, src_last},
                           .dst = {dst_first, dst_last},
                           .port_first = port_first,
                           .port_last = port_last,
                           .priority = static_cast<int32_t>(i)});
  }
  std::shuffle(table.rules.begin(), table.rules.end(), random);
  return table;
}

TEST(Trie, AgreesWithTheOracleOnRandomTablesAtEverySimdLevel) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(fmt::format("table seed {}", seed));
    std::mt19937_64 random(seed);
    const RuleTable table = RandomTable(random);
    std::vector<ClassId> classes = {0x7fff, 0x8000, 0xfffe, 0xffff};
    for (ClassId id = 0; id <= 20; ++id) classes.push_back(id);
    const std::vector<ClassifyKey> keys = Keys(table, classes, random);
    for (const Simd simd : {Simd::kScalar, Simd::kSse, Simd::kAvx2, Simd::kAvx512}) {
      ExpectSameAnswers(table, keys, simd);
    }
    ASSERT_FALSE(HasFailure());
  }
}

TEST(Compile, TheOrderOfTheInputMakesNoDifference) {
  for (const uint64_t seed : Seeds(kClusters)) {
    SCOPED_TRACE(fmt::format("SLUICE_SEED={}", seed));
    const PolicyInput input = RandomCluster(seed, kCompiledKinds).Make();
    PolicyInput shuffled = input;
    std::mt19937_64 random(seed);
    std::shuffle(shuffled.namespaces.begin(), shuffled.namespaces.end(), random);
    std::vector<Endpoint> endpoints(input.endpoints.begin(), input.endpoints.end());
    std::shuffle(endpoints.begin(), endpoints.end(), random);
    shuffled.endpoints = std::move(endpoints);
    std::shuffle(shuffled.nodes.begin(), shuffled.nodes.end(), random);
    std::shuffle(shuffled.policies.begin(), shuffled.policies.end(), random);
    std::shuffle(shuffled.multi_policies.begin(), shuffled.multi_policies.end(), random);
    std::shuffle(shuffled.cluster_policies.begin(), shuffled.cluster_policies.end(), random);
    std::reverse(shuffled.cluster_cidrs.begin(), shuffled.cluster_cidrs.end());
    ASSERT_EQ(*Compile(input) == *Compile(shuffled), true);
  }
}

}  // namespace
}  // namespace sluice::acl
