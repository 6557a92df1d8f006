// The oracle: holds every flat rule against every key, the weakest first, and the last one that
// matches wins. Slow, obvious, and the judge of the trie.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "acl/classifier.h"

namespace sluice::acl {

class LinearClassifier {
 public:
  // `table` must outlive the classifier.
  explicit LinearClassifier(const RuleTable& table);

  unsigned categories() const { return categories_; }
  // hits.size() >= keys.size() * categories(); the answers of keys[i] start at i * categories().
  void Classify(std::span<const ClassifyKey> keys, std::span<uint32_t> hits) const;

 private:
  const RuleTable& table_;
  unsigned categories_;
  std::vector<uint32_t> ascending_;  // indices of the rules, the lowest priority first
};

}  // namespace sluice::acl
