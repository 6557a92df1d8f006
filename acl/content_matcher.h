// Which rule decides about a connection once its content is known.
//
// The trie has said which rule is the first that may, and which one does if no condition fits
// (Decision::conditional, plain). In between are the conditional rules that match the same key by
// addresses and ports: these are found by the names of the content, not by trying one after the
// other, and the first of them that is about the key wins. acl/content_match.h is the slow twin.
//
// Immutable; any number of threads.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "acl/classifier.h"
#include "acl/flat_rule.h"
#include "acl/name_index.h"
#include "acl/pattern_set.h"
#include "acl/stream_facts.h"

namespace sluice::acl {

// What patterns say of a head.
struct PatternRuling {
  bool deny = false;
  bool alert = false;
};

class ContentMatcher {
 public:
  static constexpr unsigned kFewReaders = 4;

  // `table` outlives it; `readers` as for PatternSet. Null: no rule looks into connections. Errors:
  // PatternSet's.
  static absl::StatusOr<std::unique_ptr<ContentMatcher>> Build(const RuleTable& table,
                                                               DatabaseStore* store = nullptr,
                                                               unsigned readers = kFewReaders);

  // `open` is the conditional decision about `key`; who decides once `facts` are known?
  Decision Resolve(const ClassifyKey& key, Direction direction, const Decision& open,
                   const StreamFacts& facts) const;

  // Whether `rule` (as Decision::rule) looks for patterns in what it allows.
  bool HasPatterns(uint32_t rule) const;
  // What these say of `head`. `reader` is below Build's `readers`, one number a thread.
  PatternRuling Scan(uint32_t rule, std::span<const uint8_t> head, unsigned reader) const;

  // A number for how Resolve came to `rule` about `key`: it stays the same from one table to the
  // next as long as the conditional rules before it that are about the key, and `rule` itself, say
  // the same. Never 0. Cost: the distinct (subject, peer, ports) of conditional rules.
  uint32_t Fingerprint(const ClassifyKey& key, Direction direction, uint32_t rule) const;
  // Whether some rule that may decide about `key` has this fingerprint: whoever decided by it then
  // would decide the same now. `open` as for Resolve, or a decision without conditions.
  bool Explains(const ClassifyKey& key, Direction direction, const Decision& open,
                uint32_t fingerprint) const;

 private:
  using Rules = std::vector<uint32_t>;  // indices into RuleTable::rules, ascending: first wins

  using RulesByName = absl::flat_hash_map<NameIndex::Id, Rules>;

  // A request line's part of a condition; rules of one place are told apart by the method.
  struct Request {
    uint32_t rule;
    std::string method;  // empty: any
  };
  struct Conditions {
    RulesByName by_server_name, by_question;
    absl::flat_hash_map<std::pair<NameIndex::Id, NameIndex::Id>, std::vector<Request>> by_request;
  };
  // Conditional rules next to each other that match the same by addresses and ports.
  struct Run {
    uint32_t rule;  // one of them
    Rules rules;
    std::vector<uint64_t> digests;  // of the rules up to each
  };

  explicit ContentMatcher(const RuleTable& table) : table_(table) {}
  void AddNames(const std::vector<std::string>& names, uint32_t index, RulesByName& rules_by_name);
  void AddConditions(uint32_t index);
  void AddToRun(uint32_t index);
  absl::Status AddPatterns(DatabaseStore* store, unsigned readers);
  template <typename Candidates, typename Wanted>
  void Improve(const Candidates& candidates, const ClassifyKey& key, const Wanted& wanted,
               uint32_t& best) const;

  const RuleTable& table_;
  NameIndex hosts_{Wildcard::kFront};
  NameIndex paths_{Wildcard::kBack};
  std::array<Conditions, kDirections> conditions_;
  std::array<std::vector<Run>, kDirections> runs_;
  std::unique_ptr<PatternSet> patterns_;   // null: there are none
  std::vector<uint32_t> pattern_numbers_;  // by content: its first one's in patterns_
  std::vector<uint64_t> content_digests_;  // by content
};

}  // namespace sluice::acl
