// Compiled policy with its classifier: the immutable parts of a snapshot that policy decides.
#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "acl/compiler.h"
#include "acl/rule_ids.h"
#include "acl/trie_classifier.h"

namespace sluice::control {

struct PolicyBuild {
  std::shared_ptr<const acl::PolicyInput> input;
  std::shared_ptr<const acl::CompiledPolicy> compiled;
  // Parts of `compiled`, or of an earlier build that they equal: equal parts keep their pointer.
  std::shared_ptr<const acl::RuleTable> rules;
  std::shared_ptr<const acl::RuleIds> rule_ids;  // of `rules`, continuing the earlier build's
  std::shared_ptr<const acl::AddressMap> addresses;
  std::shared_ptr<const acl::TrieClassifier> classifier;
  // The same with the policies under audit in force, too; null if there are none. The rule ids go
  // on from build to build, null classifier or not: counts outlive their policies.
  std::shared_ptr<const acl::RuleTable> audit_rules;
  std::shared_ptr<const acl::RuleIds> audit_rule_ids;
  std::shared_ptr<const acl::TrieClassifier> audit_classifier;
};

// Compiles `input`. Rules that equal those of `previous` (may be null) reuse its classifier; others
// get a trie of their own, which is held against the oracle before it is handed out. Cost: up to
// seconds at 100,000 rules. Errors: those of acl::Compile, TrieClassifier::Build and
// CheckAgainstOracle.
absl::StatusOr<PolicyBuild> BuildPolicy(acl::PolicyInput input, const PolicyBuild* previous,
                                        const acl::TrieLimits& limits);

}  // namespace sluice::control
