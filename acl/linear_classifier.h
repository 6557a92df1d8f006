// The oracle: walks every flat rule for every key. Slow, obvious, and the judge of the trie.
#pragma once

#include <span>

#include "acl/classifier.h"

namespace sluice::acl {

class LinearClassifier {
 public:
  // `table` must outlive the classifier.
  explicit LinearClassifier(const RuleTable& table)
      : table_(table), categories_(CategoriesOf(table)) {}

  unsigned categories() const { return categories_; }
  // hits.size() >= keys.size() * categories(); the answers of keys[i] start at i * categories().
  void Classify(std::span<const ClassifyKey> keys, std::span<uint32_t> hits) const;

 private:
  const RuleTable& table_;
  unsigned categories_;
};

}  // namespace sluice::acl
