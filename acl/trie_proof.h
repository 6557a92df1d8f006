// The proof a trie passes before it may be published: it answers as the linear oracle does.
//
// Answers can change only where a rule begins or ends. So the keys fall into atoms, (subject class,
// peer class, protocol, interval of ports between two such edges), and one key of each says all.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>

#include "acl/class_set.h"
#include "acl/flat_rule.h"
#include "acl/trie_classifier.h"

namespace sluice::acl {

struct ProofLimits {
  // Up to this many atoms every one is asked about. Beyond, the corners of every rule and the
  // points just past them, and atoms drawn at random up to as many again.
  size_t max_atoms = 150'000;
  uint64_t seed = 1;
};

struct Proof {
  size_t atoms = 0;
  size_t keys = 0;  // asked of both; at least `atoms` where every atom was
  bool exhaustive = false;
};

// `subjects` are the classes that rules were made for, `classes` the number of all classes. Errors:
// Internal naming the first key on which trie and oracle differ.
absl::StatusOr<Proof> ProveTrie(const RuleTable& table, const TrieClassifier& trie, size_t classes,
                                const ClassSet& subjects, const ProofLimits& limits = {});

}  // namespace sluice::acl
