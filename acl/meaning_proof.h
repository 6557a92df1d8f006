// The proof that compiled policy means what its objects say, before it may be published.
//
// Tries and oracle read the same flat rules; a mistake in making these would fool both. So sampled
// attempts between pods and addresses are put to the evaluator, which knows the objects alone, and
// to the compiled policy.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>

#include "acl/flat_rule.h"
#include "acl/policy_input.h"
#include "acl/population.h"
#include "acl/trie_classifier.h"

namespace sluice::acl {

struct MeaningLimits {
  // The more rules an attempt is held against, the fewer attempts.
  size_t fewest = 600;
  size_t most = 4'000;
  uint64_t seed = 1;
};

// What is to be proven: `input`, compiled.
struct Compiled {
  const PolicyInput& input;
  const Population& population;
  const RuleTable& table;
  const TrieClassifier& trie;
  // Whether `table` has audited policies in force.
  bool audit = false;
};

// Most probes lie at or just past the edge of what some rule names; no two are the same. Answers
// how many were asked: as many as `limits` say, however few pods and rules there are, or 0 without
// a local pod that has an address of its own. Errors: Internal naming the first probe on which they
// differ.
absl::StatusOr<size_t> ProveMeaning(const Compiled& compiled, const MeaningLimits& limits = {});

}  // namespace sluice::acl
