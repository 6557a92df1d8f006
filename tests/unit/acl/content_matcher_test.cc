// Which rule decides once content is known: against trying one rule after the other.
#include "acl/content_matcher.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "acl/content_match.h"
#include "acl/linear_classifier.h"
#include "tests/differential/random_source.h"

namespace sluice::acl {
namespace {

constexpr uint8_t kTcp = 6;
constexpr auto kEgress = Direction::kEgress;

StreamFacts Tls(std::string_view name) {
  return {.kind = StreamFacts::Kind::kTls, .server_name = name};
}
StreamFacts Http(std::string_view method, std::string_view host, std::string_view path) {
  return {.kind = StreamFacts::Kind::kHttp, .method = method, .host = host, .path = path};
}
Content ForNames(std::vector<std::string> names) {
  return {.tls = TlsMatch{std::move(names)}, .http = {}, .patterns = {}};
}
Content ForRequests(std::vector<HttpMatch> requests) {
  return {.tls = {}, .http = std::move(requests), .patterns = {}};
}

// Rules of one direction and the NetworkPolicy tier, the first one made wins.
class Table {
 public:
  Table() { table_.has_conditional[static_cast<size_t>(kEgress)] = true; }

  Table& Add(Action action, Content content, uint16_t first = 0, uint16_t last = 0xffff,
             ClassInterval peer = {}) {
    FlatRule rule{.direction = kEgress,
                  .action = action,
                  .protocol = kTcp,
                  .dst = peer,
                  .port_first = first,
                  .port_last = last,
                  .priority = 1'000'000 - static_cast<int32_t>(table_.rules.size()),
                  .source = static_cast<uint32_t>(table_.sources.size())};
    rule.conditional = content.IsConditional();
    if (!content.empty()) {
      table_.contents.push_back(std::move(content));
      rule.content = static_cast<uint32_t>(table_.contents.size());
    }
    table_.rules.push_back(rule);
    table_.sources.push_back({.policies = {fmt::format("p{}", table_.sources.size())}});
    return *this;
  }

  const RuleTable& get() const { return table_; }

 private:
  RuleTable table_;
};

Decision Open(const RuleTable& table, const ClassifyKey& key) {
  const LinearClassifier classifier(table);
  std::array<uint32_t, kMaxCategories> hits{};
  classifier.Classify({&key, 1}, hits);
  return Decide(table, std::span<const uint32_t>(hits).first(classifier.categories()), kEgress);
}

// The number of the rule that decides; 0: none.
uint32_t Decides(const RuleTable& table, const StreamFacts& facts, uint16_t port = 443) {
  const auto matcher = ContentMatcher::Build(table);
  EXPECT_TRUE(matcher.ok()) << matcher.status();
  const ClassifyKey key = ClassifyKey::Make(kTcp, 1, 2, port);
  const Decision open = Open(table, key);
  EXPECT_TRUE(open.conditional);
  const Decision seen = (*matcher)->Resolve(key, kEgress, open, facts);
  EXPECT_EQ(seen, ResolveLinear(table, key, kEgress, open, facts));
  return seen.rule;
}

TEST(ContentMatcher, TheFirstRuleThatFitsDecides) {
  Table table;
  table.Add(Action::kDeny, ForNames({"bad.example.org"}))
      .Add(Action::kAllow, ForNames({"*.example.org", "example.com"}))
      .Add(Action::kAllow, ForRequests({{.method = "GET", .host = "*.test", .path = "/api/*"}}))
      .Add(Action::kAllow, {}, 443, 443, {7, 9})
      .Add(Action::kDeny, {});
  EXPECT_EQ(Decides(table.get(), Tls("bad.example.org")), 1u);
  EXPECT_EQ(Decides(table.get(), Tls("good.example.org")), 2u);
  EXPECT_EQ(Decides(table.get(), Tls("a.b.example.org")), 2u);
  EXPECT_EQ(Decides(table.get(), Tls("example.com")), 2u);
  EXPECT_EQ(Decides(table.get(), Tls("example.org")), 5u) << "a star is not nothing";
  EXPECT_EQ(Decides(table.get(), Tls("")), 5u) << "no name was sent";
  EXPECT_EQ(Decides(table.get(), Http("GET", "a.test", "/api/")), 3u);
  EXPECT_EQ(Decides(table.get(), Http("GET", "a.test", "/api/x/y")), 3u);
  EXPECT_EQ(Decides(table.get(), Http("GET", "a.test", "/api")), 5u);
  EXPECT_EQ(Decides(table.get(), Http("PUT", "a.test", "/api/x")), 5u);
  EXPECT_EQ(Decides(table.get(), Http("GET", "example.com", "/")), 5u) << "of TLS alone";
  EXPECT_EQ(Decides(table.get(), {}), 5u);
}

TEST(ContentMatcher, ARuleWithoutConditionsBeforeThemDecides) {
  Table table;
  table.Add(Action::kDeny, ForNames({"one.test"}))
      .Add(Action::kAllow, {})
      .Add(Action::kDeny, ForNames({"two.test"}));
  EXPECT_EQ(Decides(table.get(), Tls("one.test")), 1u);
  EXPECT_EQ(Decides(table.get(), Tls("two.test")), 2u);
}

TEST(ContentMatcher, RandomTablesAreResolvedAsOneRuleAfterTheOther) {
  constexpr const char* kNames[] = {"a.test", "b.test", "*.test", "*.a.test", "c.b.a.test", "test"};
  constexpr const char* kPaths[] = {"", "/", "/*", "/a", "/a/*", "/a/b/*"};
  constexpr const char* kMethods[] = {"", "GET", "PUT"};
  constexpr const char* kSeenNames[] = {"", "a.test", "b.test", "x.a.test", "c.b.a.test", "test"};
  constexpr const char* kSeenPaths[] = {"/", "/a", "/a/", "/a/b/c", "/b"};
  RandomSource random(7);
  size_t by_content = 0;
  for (int round = 0; round < 300; ++round) {
    Table table;
    for (size_t i = random.Below(12) + 1; i > 0; --i) {
      Content content;
      if (random.Chance(50)) content.tls = TlsMatch{{random.Pick(kNames)}};
      for (size_t k = random.Below(3); k > 0; --k) {
        content.http.push_back({random.Pick(kMethods), random.Chance(40) ? "" : random.Pick(kNames),
                                random.Pick(kPaths)});
      }
      const auto first = static_cast<uint16_t>(random.Below(4));
      const auto peer = static_cast<ClassId>(random.Below(3));
      table.Add(random.Chance(50) ? Action::kAllow : Action::kDeny, content, first,
                static_cast<uint16_t>(first + random.Below(4)),
                {peer, static_cast<ClassId>(peer + 1)});
    }
    const auto matcher = ContentMatcher::Build(table.get());
    ASSERT_TRUE(matcher.ok());
    for (int probe = 0; probe < 100; ++probe) {
      const ClassifyKey key = ClassifyKey::Make(kTcp, 1, static_cast<ClassId>(random.Below(4)),
                                                static_cast<uint16_t>(random.Below(8)));
      const Decision open = Open(table.get(), key);
      if (!open.conditional) continue;
      const StreamFacts facts =
          random.Chance(50)
              ? Tls(random.Pick(kSeenNames))
              : Http(random.Pick(kMethods), random.Pick(kSeenNames), random.Pick(kSeenPaths));
      const Decision seen = (*matcher)->Resolve(key, kEgress, open, facts);
      ASSERT_EQ(seen, ResolveLinear(table.get(), key, kEgress, open, facts))
          << "round " << round << ": rule " << seen.rule;
      by_content += seen.rule != open.plain ? 1 : 0;
    }
  }
  EXPECT_GT(by_content, 1000u);
}

uint32_t Fingerprint(const RuleTable& table, uint32_t rule, ClassId peer = 2) {
  const auto matcher = ContentMatcher::Build(table);
  EXPECT_TRUE(matcher.ok());
  return (*matcher)->Fingerprint(ClassifyKey::Make(kTcp, 1, peer, 443), kEgress, rule);
}

TEST(ContentMatcher, AFingerprintIsOfWhatCameBeforeAndOfNothingElse) {
  const Content one = ForNames({"one.test"}), two = ForNames({"two.test"});
  Table base, later, before, elsewhere, changed;
  base.Add(Action::kAllow, one).Add(Action::kAllow, two).Add(Action::kDeny, {});
  later.Add(Action::kAllow, one)
      .Add(Action::kAllow, two)
      .Add(Action::kDeny, one)
      .Add(Action::kDeny, {});
  before.Add(Action::kDeny, two).Add(Action::kAllow, one).Add(Action::kAllow, two);
  elsewhere.Add(Action::kDeny, two, 0, 0xffff, {5, 5})
      .Add(Action::kAllow, one)
      .Add(Action::kAllow, two);
  changed.Add(Action::kAllow, ForNames({"one.test", "more.test"})).Add(Action::kAllow, two);
  const uint32_t first = Fingerprint(base.get(), 1), second = Fingerprint(base.get(), 2);
  EXPECT_NE(first, second);
  EXPECT_EQ(Fingerprint(later.get(), 1), first);
  EXPECT_EQ(Fingerprint(later.get(), 2), second);
  EXPECT_NE(Fingerprint(before.get(), 2), first) << "a rule came before";
  EXPECT_EQ(Fingerprint(elsewhere.get(), 2), first) << "it is about another peer";
  EXPECT_NE(Fingerprint(elsewhere.get(), 2, 5), first);
  EXPECT_NE(Fingerprint(changed.get(), 1), first);
}

TEST(ContentMatcher, WhatARuleWithoutConditionsSettlesExplainsNothingBehindIt) {
  const Content one = ForNames({"one.test"}), two = ForNames({"two.test"});
  Table before, after;
  before.Add(Action::kAllow, one).Add(Action::kAllow, two).Add(Action::kDeny, {});
  after.Add(Action::kAllow, one).Add(Action::kDeny, {}).Add(Action::kAllow, two);
  const ClassifyKey key = ClassifyKey::Make(kTcp, 1, 2, 443);
  const uint32_t judged_by = Fingerprint(before.get(), 2);
  const auto explains = [&](const RuleTable& table) {
    return (*ContentMatcher::Build(table))->Explains(key, kEgress, Open(table, key), judged_by);
  };
  EXPECT_TRUE(explains(before.get()));
  EXPECT_FALSE(explains(after.get()));
}

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(ContentMatcher, PatternsOfTheDecidingRuleAloneCount) {
  Table table;
  const auto pattern = [](const char* text, PatternAction action) {
    return Content{.tls = {}, .http = {}, .patterns = {{text, action}}};
  };
  table.Add(Action::kAllow, pattern("union\\s+select", PatternAction::kDeny), 1, 1)
      .Add(Action::kAllow, pattern("select", PatternAction::kAlert), 2, 2)
      .Add(Action::kAllow, {}, 3, 3);
  const auto matcher = *ContentMatcher::Build(table.get());
  const auto bytes = Bytes("GET /?q=union \n select");
  EXPECT_TRUE(matcher->Scan(1, bytes, 0).deny);
  EXPECT_FALSE(matcher->Scan(1, Bytes("union"), 0).deny);
  EXPECT_FALSE(matcher->Scan(2, bytes, 3).deny);
  EXPECT_TRUE(matcher->Scan(2, bytes, 3).alert);
  EXPECT_FALSE(matcher->HasPatterns(3));
  EXPECT_FALSE(matcher->Scan(3, bytes, 0).alert);
}

class MapStore : public DatabaseStore {
 public:
  std::optional<std::string> Load(const std::string& name) override {
    const auto found = kept.find(name);
    if (found == kept.end()) return std::nullopt;
    ++loads;
    return found->second;
  }
  void Save(const std::string& name, const std::string& bytes) override { kept[name] = bytes; }

  std::map<std::string, std::string> kept;
  int loads = 0;
};

TEST(PatternSet, AKeptDatabaseIsUsedAgainAndABrokenOneIsNot) {
  MapStore store;
  const std::vector<std::string> patterns = {"a+b", "c{3}"};
  ASSERT_TRUE(PatternSet::Build(patterns, &store, 4).ok());
  ASSERT_EQ(store.kept.size(), 1u);
  const auto again = *PatternSet::Build(patterns, &store, 4);
  EXPECT_EQ(store.loads, 1);
  EXPECT_EQ(again->Scan(Bytes("xxaab"), 0).size(), 1u);
  store.kept.begin()->second.resize(20);
  const auto anew = PatternSet::Build(patterns, &store, 4);
  ASSERT_TRUE(anew.ok()) << anew.status();
  EXPECT_EQ((*anew)->Scan(Bytes("ccc"), 1).size(), 1u);
  ASSERT_TRUE(PatternSet::Build(std::vector<std::string>{"a+b"}, &store, 4).ok());
  EXPECT_EQ(store.kept.size(), 2u) << "other patterns, another name";
}

TEST(PatternSet, AnUnfitPatternIsRefusedInTheCompilersWords) {
  EXPECT_EQ(CheckPattern("(a"),
            absl::InvalidArgumentError("Missing close parenthesis for group started at index 0."));
  EXPECT_FALSE(CheckPattern("a*").ok()) << "it is in everything";
  EXPECT_TRUE(CheckPattern("\\x16\\x03").ok());
}

}  // namespace
}  // namespace sluice::acl
