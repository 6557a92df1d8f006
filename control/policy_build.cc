#include "control/policy_build.h"

#include <utility>

#include "control/oracle_check.h"

namespace sluice::control {
namespace {

absl::StatusOr<std::shared_ptr<const acl::TrieClassifier>> BuildTrie(
    const acl::RuleTable& rules, const acl::TrieLimits& limits) {
  auto trie = acl::TrieClassifier::Build(rules, limits);
  if (!trie.ok()) return trie.status();
  absl::Status proof = CheckAgainstOracle(rules, **trie);
  if (!proof.ok()) return proof;
  return std::shared_ptr<const acl::TrieClassifier>(*std::move(trie));
}

}  // namespace

absl::StatusOr<PolicyBuild> BuildPolicy(acl::PolicyInput input, const PolicyBuild* previous,
                                        const acl::TrieLimits& limits) {
  auto compiled = acl::Compile(input);
  if (!compiled.ok()) return compiled.status();
  PolicyBuild build;
  build.input = std::make_shared<const acl::PolicyInput>(std::move(input));
  build.compiled = std::make_shared<const acl::CompiledPolicy>(*std::move(compiled));
  const acl::CompiledPolicy& now = *build.compiled;
  if (previous != nullptr && *previous->addresses == now.addresses) {
    build.addresses = previous->addresses;
  } else {
    build.addresses = {build.compiled, &now.addresses};
  }
  if (previous != nullptr && *previous->rules == now.table) {
    build.rules = previous->rules;
    build.rule_ids = previous->rule_ids;
    build.classifier = previous->classifier;
    return build;
  }
  build.rules = {build.compiled, &now.table};
  build.rule_ids =
      acl::RuleIds::Next(previous == nullptr ? nullptr : previous->rule_ids.get(), now.table);
  auto trie = BuildTrie(now.table, limits);
  if (!trie.ok()) return trie.status();
  build.classifier = *std::move(trie);
  return build;
}

}  // namespace sluice::control
