// What compiled policy says of an attempt, in the evaluator's words, so that the two can be
// compared.
#pragma once

#include <optional>
#include <string>

#include "acl/evaluator.h"
#include "acl/flat_rule.h"
#include "acl/population.h"
#include "acl/trie_classifier.h"

namespace sluice::acl {

// Parts of one compile; they outlive it.
struct CompiledTrie {
  const Population& population;
  const RuleTable& table;
  const TrieClassifier& trie;  // of `table`
};

// One direction of `flow`: exemptions, the trie, the order of the tiers. Null: its end is not a
// local pod.
std::optional<RawSide> SideOf(const CompiledTrie& compiled, const RawFlow& flow,
                              Direction direction);

// "deny and reject in tier Admin by [ClusterNetworkPolicy a] rule-1"
std::string ToText(const std::optional<RawSide>& side);

}  // namespace sluice::acl
