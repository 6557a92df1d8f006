#include "acl/content_matcher.h"

#include <algorithm>
#include <limits>

#include "acl/content_match.h"
#include "acl/text_hash.h"

namespace sluice::acl {
namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

unsigned Index(Direction direction) { return static_cast<unsigned>(direction); }

uint64_t DigestOf(const Content& content) {
  TextHash hash;
  if (content.tls) {
    for (const std::string& name : content.tls->server_names) hash.Add(name);
  }
  hash.Add("http");
  for (const HttpMatch& match : content.http) {
    for (const std::string* part : {&match.method, &match.host, &match.path}) hash.Add(*part);
  }
  hash.Add("dns");
  if (content.dns) {
    for (const std::string& name : content.dns->names) hash.Add(name);
  }
  hash.Add("patterns");
  for (const ContentPattern& pattern : content.patterns) {
    hash.Add(pattern.pattern);
    hash.Add(pattern.action == PatternAction::kDeny ? "deny" : "alert");
  }
  return hash.Short();
}

uint64_t Combine(uint64_t one, uint64_t other) {
  return XXH3_64bits_withSeed(&other, sizeof(other), one);
}

bool MatchAlike(const FlatRule& one, const FlatRule& other) {
  return one.src == other.src && one.dst == other.dst && one.protocol == other.protocol &&
         one.port_first == other.port_first && one.port_last == other.port_last;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ContentMatcher>> ContentMatcher::Build(const RuleTable& table,
                                                                      DatabaseStore* store,
                                                                      unsigned readers) {
  if (table.contents.empty()) return nullptr;
  std::unique_ptr<ContentMatcher> matcher(new ContentMatcher(table));
  for (const Content& content : table.contents) {
    matcher->content_digests_.push_back(DigestOf(content));
  }
  for (uint32_t i = 0; i < table.rules.size(); ++i) {
    if (!table.rules[i].conditional) continue;
    matcher->AddConditions(i);
    matcher->AddToRun(i);
  }
  if (absl::Status added = matcher->AddPatterns(store, readers); !added.ok()) return added;
  return matcher;
}

void ContentMatcher::AddNames(const std::vector<std::string>& names, uint32_t index,
                              RulesByName& rules_by_name) {
  for (const std::string& name : names) {
    Rules& rules = rules_by_name[hosts_.Add(name)];
    if (rules.empty() || rules.back() != index) rules.push_back(index);
  }
}

void ContentMatcher::AddConditions(uint32_t index) {
  const FlatRule& rule = table_.rules[index];
  const Content& content = table_.contents[rule.content - 1];
  Conditions& conditions = conditions_[Index(rule.direction)];
  if (content.tls) AddNames(content.tls->server_names, index, conditions.by_server_name);
  if (content.dns) AddNames(content.dns->names, index, conditions.by_question);
  for (const HttpMatch& match : content.http) {
    conditions.by_request[{hosts_.Add(match.host), paths_.Add(match.path)}].push_back(
        {index, match.method});
  }
}

void ContentMatcher::AddToRun(uint32_t index) {
  const FlatRule& rule = table_.rules[index];
  std::vector<Run>& runs = runs_[Index(rule.direction)];
  if (runs.empty() || !MatchAlike(table_.rules[runs.back().rule], rule)) {
    runs.push_back({.rule = index, .rules = {}, .digests = {}});
  }
  Run& run = runs.back();
  const uint64_t own =
      Combine(content_digests_[rule.content - 1], static_cast<uint64_t>(rule.action));
  run.digests.push_back(Combine(run.digests.empty() ? 0 : run.digests.back(), own));
  run.rules.push_back(index);
}

absl::Status ContentMatcher::AddPatterns(DatabaseStore* store, unsigned readers) {
  std::vector<std::string> texts;
  for (const Content& content : table_.contents) {
    pattern_numbers_.push_back(static_cast<uint32_t>(texts.size()));
    for (const ContentPattern& pattern : content.patterns) texts.push_back(pattern.pattern);
  }
  if (texts.empty()) return absl::OkStatus();
  auto patterns = PatternSet::Build(texts, store, readers);
  if (!patterns.ok()) return patterns.status();
  patterns_ = *std::move(patterns);
  return absl::OkStatus();
}

// Rules are in the order in which they win: the first about the key is the best of `candidates`.
template <typename Candidates, typename Wanted>
void ContentMatcher::Improve(const Candidates& candidates, const ClassifyKey& key,
                             const Wanted& wanted, uint32_t& best) const {
  for (const auto& candidate : candidates) {
    const uint32_t index = wanted(candidate);
    if (index == kNone) continue;
    if (index >= best) return;
    if (Matches(table_.rules[index], key)) best = index;
  }
}

Decision ContentMatcher::Resolve(const ClassifyKey& key, Direction direction, const Decision& open,
                                 const StreamFacts& facts) const {
  const Conditions& conditions = conditions_[Index(direction)];
  uint32_t best = open.plain == 0 ? kNone : open.plain - 1;
  const auto by_name = [&](const RulesByName& rules_by_name, std::string_view name) {
    for (const NameIndex::Id id : hosts_.Find(name)) {
      const auto rules = rules_by_name.find(id);
      if (rules == rules_by_name.end()) continue;
      Improve(
          rules->second, key, [](uint32_t index) { return index; }, best);
    }
  };
  if (facts.kind == StreamFacts::Kind::kTls) {
    by_name(conditions.by_server_name, facts.server_name);
  } else if (facts.kind == StreamFacts::Kind::kDns) {
    by_name(conditions.by_question, facts.question);
  } else if (facts.kind == StreamFacts::Kind::kHttp) {
    const NameIndex::Ids paths = paths_.Find(facts.path);
    for (const NameIndex::Id host : hosts_.Find(facts.host)) {
      for (const NameIndex::Id path : paths) {
        const auto requests = conditions.by_request.find(std::pair(host, path));
        if (requests == conditions.by_request.end()) continue;
        const auto wanted = [&](const Request& request) {
          return request.method.empty() || request.method == facts.method ? request.rule : kNone;
        };
        Improve(requests->second, key, wanted, best);
      }
    }
  }
  return DecisionOf(table_, best == kNone ? 0 : best + 1);
}

bool ContentMatcher::HasPatterns(uint32_t rule) const {
  if (rule == 0) return false;
  const FlatRule& flat = table_.rules[rule - 1];
  return flat.content != 0 && !table_.contents[flat.content - 1].patterns.empty();
}

PatternRuling ContentMatcher::Scan(uint32_t rule, std::span<const uint8_t> head,
                                   unsigned reader) const {
  PatternRuling ruling;
  if (!HasPatterns(rule)) return ruling;
  const uint32_t content = table_.rules[rule - 1].content - 1;
  const std::vector<ContentPattern>& own = table_.contents[content].patterns;
  const uint32_t first = pattern_numbers_[content];
  for (const uint32_t number : patterns_->Scan(head, reader)) {
    if (number < first || number - first >= own.size()) continue;  // another rule's
    const bool denies = own[number - first].action == PatternAction::kDeny;
    (denies ? ruling.deny : ruling.alert) = true;
  }
  return ruling;
}

uint32_t ContentMatcher::Fingerprint(const ClassifyKey& key, Direction direction,
                                     uint32_t rule) const {
  uint64_t digest = 0;
  for (const Run& run : runs_[Index(direction)]) {
    if (rule != 0 && run.rules.front() >= rule) break;
    if (!Matches(table_.rules[run.rule], key)) continue;
    const auto end = rule == 0 ? run.rules.end() : std::ranges::lower_bound(run.rules, rule);
    if (end == run.rules.begin()) continue;
    digest = Combine(digest, run.digests[static_cast<size_t>(end - run.rules.begin() - 1)]);
  }
  if (rule != 0) {
    const FlatRule& flat = table_.rules[rule - 1];
    digest = Combine(digest, static_cast<uint64_t>(flat.action));
    if (flat.content != 0) digest = Combine(digest, content_digests_[flat.content - 1]);
  }
  const auto folded = static_cast<uint32_t>(digest ^ digest >> 32);
  return folded == 0 ? 1 : folded;
}

bool ContentMatcher::Explains(const ClassifyKey& key, Direction direction, const Decision& open,
                              uint32_t fingerprint) const {
  const uint32_t plain = open.conditional ? open.plain : open.rule;
  if (Fingerprint(key, direction, plain) == fingerprint) return true;
  return std::ranges::any_of(runs_[Index(direction)], [&](const Run& run) {
    if (!open.conditional || !Matches(table_.rules[run.rule], key)) return false;
    return std::ranges::any_of(run.rules, [&](uint32_t index) {
      const bool may_decide = plain == 0 || index < plain - 1;
      return may_decide && Fingerprint(key, direction, index + 1) == fingerprint;
    });
  });
}

}  // namespace sluice::acl
