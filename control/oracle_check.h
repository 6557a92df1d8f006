// The proof a trie passes before it may be published.
#pragma once

#include <absl/status/status.h>

#include <cstddef>

#include "acl/flat_rule.h"
#include "acl/trie_classifier.h"

namespace sluice::control {

// Holds `trie` against the linear oracle on keys at and just past the corners of the rules: of
// every rule while that stays below `max_matches` comparisons of a key with a rule, of an even
// sample of them beyond. Deterministic. Errors: Internal naming the first key on which they differ.
absl::Status CheckAgainstOracle(const acl::RuleTable& table, const acl::TrieClassifier& trie,
                                size_t max_matches = 20'000'000);

}  // namespace sluice::control
