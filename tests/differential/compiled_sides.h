// What compiled policy says of attempts: Compile, the tries, and acl/compiled_side.h.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "acl/compiler.h"
#include "acl/evaluator.h"
#include "acl/trie_classifier.h"

namespace sluice::acl {

class CompiledSides {
 public:
  // `input` outlives it. A failure to compile or to build fails the test.
  explicit CompiledSides(const PolicyInput& input);
  ~CompiledSides();

  // The verdict for each flow, with the audited sides where the input has audited policies.
  std::vector<RawVerdict> Judge(std::span<const RawFlow> flows) const;

 private:
  const bool any_audited_;
  Compilation parts_;
  std::unique_ptr<TrieClassifier> trie_;
  std::unique_ptr<TrieClassifier> audit_trie_;  // null without audited policies
};

}  // namespace sluice::acl
