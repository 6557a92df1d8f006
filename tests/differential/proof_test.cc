// What is demanded of a build before it is published, of random clusters: tries say what their
// rules say, and these mean what the objects say. With a mistake in the compiler this fails:
// `tools/mutants acl` plants some.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "acl/compiler.h"
#include "acl/meaning_proof.h"
#include "acl/trie_classifier.h"
#include "acl/trie_proof.h"
#include "acl/universe.h"
#include "tests/differential/random_cluster.h"

namespace sluice::acl {
namespace {

constexpr uint64_t kClusters = 300;

struct Proven {
  size_t atoms = 0;
  size_t probes = 0;
};

absl::Status Prove(const PolicyInput& input, const Compilation& parts, const RuleTable& table,
                   Proven& proven) {
  const ClassSet& subjects = parts.universe->local();
  const auto trie = TrieClassifier::Build(table, {}, &subjects);
  if (!trie.ok()) return trie.status();
  const auto atoms = ProveTrie(table, **trie, parts.universe->classes().size(), subjects);
  if (!atoms.ok()) return atoms.status();
  const auto probes = ProveMeaning({.input = input,
                                    .population = parts.population,
                                    .table = table,
                                    .trie = **trie,
                                    .audit = &table != &parts.table});
  if (!probes.ok()) return probes.status();
  proven.atoms += atoms->atoms;
  proven.probes += *probes;
  return absl::OkStatus();
}

absl::Status CompileAndProve(const PolicyInput& input, Proven& proven) {
  const absl::StatusOr<Compilation> parts = CompileParts(input);
  if (!parts.ok()) return parts.status();
  absl::Status status = Prove(input, *parts, parts->table, proven);
  if (status.ok() && parts->audit_table) {
    status = Prove(input, *parts, *parts->audit_table, proven);
  }
  return status;
}

TEST(Proof, WhatIsCompiledMayBePublished) {
  Proven proven;
  for (const uint64_t seed : Seeds(kClusters)) {
    ASSERT_EQ(CompileAndProve(RandomCluster(seed, kCompiledKinds).Make(), proven), absl::OkStatus())
        << fmt::format("SLUICE_SEED={}", seed);
  }
  EXPECT_GT(proven.atoms, kClusters * 1000);
  EXPECT_GT(proven.probes, kClusters * 500);
  fmt::print("{} atoms, {} probes\n", proven.atoms, proven.probes);
}

}  // namespace
}  // namespace sluice::acl
