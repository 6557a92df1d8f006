// Compiled policy with its classifiers: the immutable parts of a snapshot that policy decides.
//
// In layers. The base is compiled from all policies of a network. An overlay is compiled for pods
// whose own policies changed since, from the policies that select them, and judges those pods from
// then on; so an edit costs what it touches. An overlay has the base's classes if its policies tell
// nothing else apart, and classes of its own if they do. What the layers say together is a function
// of the current objects alone; a build anew (control/rebuilder.h does it in the background) leaves
// a base only.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "acl/compiler.h"
#include "acl/content_matcher.h"
#include "acl/meaning_proof.h"
#include "acl/rule_ids.h"
#include "acl/trie_classifier.h"
#include "acl/trie_proof.h"
#include "acl/universe.h"
#include "control/lazy_input.h"
#include "control/tenant_rules.h"
#include "control/tenant_shares.h"
#include "dataplane/snapshot.h"

namespace sluice::control {

// What a build may take, and where it finds what an earlier one made.
struct BuildLimits {
  acl::TrieLimits trie;
  acl::DatabaseStore* databases = nullptr;              // of patterns; null: none are kept
  unsigned workers = acl::ContentMatcher::kFewReaders;  // who look for them at once
};

// What a set's tries took, when they were made.
struct TrieCost {
  double build_seconds = 0;
  double proof_seconds = 0;
  acl::Proof proof;
};

// Rules in force, or as they would be. Equal rules of two builds are one object.
struct RuleSet {
  std::shared_ptr<const acl::RuleTable> rules;
  std::shared_ptr<const acl::RuleIds> rule_ids;           // of `rules`
  std::shared_ptr<const acl::TrieClassifier> classifier;  // for the subjects of its layer
  std::shared_ptr<const acl::ContentMatcher> content;     // of `rules`; null: none asks for any
  std::shared_ptr<const TenantRules> tenants;             // of `rules`
  TrieCost cost;
};

// What it took beside the tries; for `sluicectl policy cost`.
struct BuildCost {
  double compile_seconds = 0;
  double meaning_seconds = 0;
  size_t probes = 0;  // put to the evaluator
};

// What was compiled together.
struct LayerBuild {
  std::shared_ptr<acl::Universe> universe;  // the control thread's alone
  acl::ClassSet subjects;                   // classes that rules are made for
  acl::Population population;
  // Of `population`; equal maps of two builds are one object.
  std::shared_ptr<const acl::AddressMap> addresses;
  RuleSet in_force;
  RuleSet audit;   // with audited policies in force too; null without any
  BuildCost cost;  // after a change of endpoints alone, what was proven for the build before
};

// The numbers of all rules that are or were, of both layers: RuleIds' newest.
struct RuleNames {
  std::shared_ptr<const acl::RuleIds> in_force;
  std::shared_ptr<const acl::RuleIds> audit;  // null: nothing was ever audited
};

struct Overlay {
  LayerBuild layer;
  std::set<acl::MemberName> pods;      // local ones that it judges; never none
  std::set<std::string> edited_since;  // policies that changed after it was compiled
};
inline constexpr size_t kMostOverlays = dataplane::kLayers - 1;

struct PolicyBuild {
  LazyInput input;  // all objects as they are
  LayerBuild base;
  std::vector<Overlay> overlays;  // the newest last; a pod is of one at most
  std::set<std::string> edited;   // policies that changed since the base was compiled
  RuleNames names;

  // That judges a local pod.
  const LayerBuild& LayerOf(const acl::MemberName& pod) const {
    for (const Overlay& overlay : overlays) {
      if (overlay.pods.contains(pod)) return overlay.layer;
    }
    return base;
  }
  // In the order of the data plane's layers.
  template <typename Visit>
  void ForEachLayer(Visit visit) const {
    visit(base);
    for (const Overlay& overlay : overlays) visit(overlay.layer);
  }
  bool IsWhole() const { return overlays.empty() && edited.empty(); }
};

// Compiles `input`, without classifiers. Parts that equal those of `previous` (may be null) are
// taken from there. Errors: acl::CompileParts'.
absl::StatusOr<PolicyBuild> CompilePolicy(acl::PolicyInput input, const PolicyBuild* previous);

// What may be said against a network before tries are built of its rules; `previous` (may be null)
// is what it follows.
using BuildCheck =
    std::function<absl::Status(const PolicyBuild& build, const PolicyBuild* previous)>;

// CompilePolicy with classifiers, whole. Rules that equal those of `previous`' base (may be null),
// for the same subjects, keep theirs; others get tries of their own, which are proven before they
// are handed out; so is what the whole means. Cost: up to seconds at 100,000 rules. Errors: those
// of acl::CompileParts, `check` (may be empty), TrieClassifier::Build, ProveTrie and ProveMeaning.
absl::StatusOr<PolicyBuild> BuildPolicy(acl::PolicyInput input, const PolicyBuild* previous,
                                        const BuildLimits& limits, const BuildCheck& check = {});

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

// From one build to the next.
struct PolicyChange {
  std::span<const EndpointChange> endpoints;
  std::set<std::string> edited;        // policies that came, went or changed
  std::set<acl::MemberName> selected;  // local pods that they select or selected
  TenantShares rules, classes;
  LazyInput input;  // after the change
  // What an overlay for these pods is compiled from (control/policy_input.h).
  std::function<acl::PolicyInput(const std::set<acl::MemberName>& pods)> overlay_input;
};

// What an overlay is proven by, so that an edit need not wait for more: the rebuild that follows is
// proven as any whole build is.
inline constexpr size_t kOverlayAtoms = 5'000;
inline constexpr size_t kOverlayProbes = 500;

// `previous`, changed: the base keeps its rules and tries, pods that changed, or whose policies
// did, get an overlay. When there are too many of those, the newest become one. Absent if some
// endpoint does not fit into the classes that the base has, or one goes that says where its node
// is, or a limit or a tenant's share of the rules may be near: then BuildPolicy is to be called.
// Errors: BuildPolicy's, of the overlay.
absl::StatusOr<std::optional<PolicyBuild>> UpdatePolicy(const PolicyBuild& previous,
                                                        const PolicyChange& change,
                                                        const BuildLimits& limits);

// Makes the numbers of `whole`, which was built from a state that had `started`, follow `newest`.
void TakeNames(const RuleNames& started, const RuleNames& newest, PolicyBuild& whole);

}  // namespace sluice::control
