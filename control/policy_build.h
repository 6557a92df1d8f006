// Compiled policy with its classifiers: the immutable parts of a snapshot that policy decides.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <span>

#include "acl/compiler.h"
#include "acl/meaning_proof.h"
#include "acl/rule_ids.h"
#include "acl/trie_classifier.h"
#include "acl/trie_proof.h"
#include "acl/universe.h"
#include "control/lazy_input.h"

namespace sluice::control {

// What a set's tries took, when they were made.
struct TrieCost {
  double build_seconds = 0;
  double proof_seconds = 0;
  acl::Proof proof;
};

// Rules in force, or as they would be. Equal rules of two builds are one object.
struct RuleSet {
  std::shared_ptr<const acl::RuleTable> rules;
  std::shared_ptr<const acl::RuleIds> rule_ids;  // continuing the earlier build's
  std::shared_ptr<const acl::TrieClassifier> classifier;
  TrieCost cost;
};

// What it took beside the tries; for `sluicectl policy cost`.
struct BuildCost {
  double compile_seconds = 0;
  double meaning_seconds = 0;
  size_t probes = 0;  // put to the evaluator
};

struct PolicyBuild {
  LazyInput input;
  std::shared_ptr<acl::Universe> universe;  // the control thread's alone
  acl::Population population;
  // Of `population`; equal maps of two builds are one object.
  std::shared_ptr<const acl::AddressMap> addresses;
  RuleSet in_force;
  // With audited policies in force too. Null without any, but for the names of rules that were.
  RuleSet audit;
  BuildCost cost;  // after a change of endpoints alone, what was proven for the build before
};

// Compiles `input`, without classifiers. Parts that equal those of `previous` (may be null) are
// taken from there. Errors: acl::CompileParts'.
absl::StatusOr<PolicyBuild> CompilePolicy(acl::PolicyInput input, const PolicyBuild* previous);

// CompilePolicy with classifiers. Rules that equal those of `previous` (may be null) keep theirs;
// others get tries of their own, which are proven before they are handed out; so is what the whole
// means. Cost: up to seconds at 100,000 rules. Errors: those of acl::CompileParts,
// TrieClassifier::Build, ProveTrie and ProveMeaning.
absl::StatusOr<PolicyBuild> BuildPolicy(acl::PolicyInput input, const PolicyBuild* previous,
                                        const acl::TrieLimits& limits);

// An endpoint as policies of one network know it.
struct JoinedEndpoint {
  acl::Endpoint endpoint;
  bool local = false;  // has a port here
  bool operator==(const JoinedEndpoint&) const = default;
};

// One that came (no `before`), went (no `now`) or changed.
struct EndpointChange {
  acl::MemberName name;
  std::optional<JoinedEndpoint> before, now;
};

// `previous` with these endpoints changed: what policies say stays, and no trie is built. `input`
// is what the result could have been compiled from. Absent if some endpoint does not fit into the
// classes there are, or one goes that says where its node is: then BuildPolicy is to be called.
std::optional<PolicyBuild> UpdateEndpoints(const PolicyBuild& previous,
                                           std::span<const EndpointChange> changes,
                                           LazyInput input);

}  // namespace sluice::control
