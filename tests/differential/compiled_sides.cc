#include "tests/differential/compiled_sides.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "acl/compiled_side.h"
#include "acl/universe.h"

namespace sluice::acl {
namespace {

std::unique_ptr<TrieClassifier> Trie(const RuleTable& table) {
  auto trie = TrieClassifier::Build(table);
  EXPECT_TRUE(trie.ok()) << trie.status();
  return trie.ok() ? *std::move(trie) : nullptr;
}

bool AnyAudited(const PolicyInput& input) {
  const auto audited = [](const auto& policy) { return policy.options.audit; };
  return std::ranges::any_of(input.policies, audited) ||
         std::ranges::any_of(input.sluice_policies, audited) ||
         std::ranges::any_of(input.cluster_policies, audited) ||
         std::ranges::any_of(input.multi_policies, audited, &MultiNetworkPolicy::policy);
}

}  // namespace

CompiledSides::CompiledSides(const PolicyInput& input) : any_audited_(AnyAudited(input)) {
  absl::StatusOr<Compilation> parts = CompileParts(input);
  EXPECT_TRUE(parts.ok()) << parts.status();
  if (parts.ok()) parts_ = *std::move(parts);
  trie_ = Trie(parts_.table);
  if (parts_.audit_table) audit_trie_ = Trie(*parts_.audit_table);
}

CompiledSides::~CompiledSides() = default;

std::vector<RawVerdict> CompiledSides::Judge(std::span<const RawFlow> flows) const {
  std::vector<RawVerdict> verdicts;
  const CompiledTrie in_force{parts_.population, parts_.table, *trie_};
  for (const RawFlow& flow : flows) {
    RawVerdict& verdict = verdicts.emplace_back();
    verdict.egress = SideOf(in_force, flow, Direction::kEgress);
    verdict.ingress = SideOf(in_force, flow, Direction::kIngress);
    verdict.allow =
        (!verdict.egress || verdict.egress->allow) && (!verdict.ingress || verdict.ingress->allow);
    if (!any_audited_) continue;
    // Audited policies without any effect have no table: they would change nothing.
    const CompiledTrie audit =
        audit_trie_ == nullptr ? in_force
                               : CompiledTrie{parts_.population, *parts_.audit_table, *audit_trie_};
    verdict.audited_egress = SideOf(audit, flow, Direction::kEgress);
    verdict.audited_ingress = SideOf(audit, flow, Direction::kIngress);
  }
  return verdicts;
}

}  // namespace sluice::acl
