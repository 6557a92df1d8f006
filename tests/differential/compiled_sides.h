// What compiled policy says of an attempt, in the evaluator's words: Compile, the trie, Decide, and
// exemptions, as `sluicectl verdict` puts them together.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "acl/classifier.h"
#include "acl/compiler.h"
#include "acl/evaluator.h"
#include "acl/trie_classifier.h"

namespace sluice::acl {

class CompiledSides {
 public:
  // `input` outlives it. A failure to compile or to build fails the test.
  explicit CompiledSides(const PolicyInput& input);

  // The verdict for each flow; nothing of it audited.
  std::vector<RawVerdict> Judge(std::span<const RawFlow> flows) const;

 private:
  bool IsJudged(const Endpoint* pod) const;
  ClassifyKey KeyOf(const RawFlow& flow, Direction direction) const;
  std::optional<RawSide> SideOf(const RawFlow& flow, Direction direction,
                                std::span<const uint32_t> hits) const;

  const PolicyInput& input_;
  CompiledPolicy compiled_;
  std::unique_ptr<TrieClassifier> trie_;
};

}  // namespace sluice::acl
