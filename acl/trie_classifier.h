// The fast classifier: one rte_acl context for each direction, the tiers as its categories.
//
// A direction's trie looks at the subject's class first: the source of egress, the destination of
// ingress. One trie for both directions would have to hold, below every egress subject, the ingress
// rules of all subjects: 8,000 rules of 1,500 classes then took 37 s and 403 MB to build and 80
// cycles a key; two tries take 0.2 s and 4 MB, and 2 x 36 cycles. A key whose subject in a
// direction is nobody's, as a remote pod's class is, is not walked through its trie.
//
// Needs an initialised EAL (rte_acl allocates from its heap). Build is single-threaded; Classify
// may be called by any number of workers at once. The SIMD level is chosen at run time.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "acl/class_set.h"
#include "acl/classifier.h"

namespace sluice::acl {

// The widest instructions a classifier may use; what the CPU or DPDK's build lacks is passed over.
enum class Simd : uint8_t { kScalar, kSse, kAvx2, kAvx512 };

struct TrieLimits {
  // While building, rte_acl takes about 8 KiB a rule from the C heap (0.8 GB at 100k).
  size_t max_rules = 200'000;
  // Of the run-time structures of a direction, from DPDK's heap.
  size_t max_memory_bytes = size_t{256} << 20;
  Simd simd = Simd::kAvx512;
};

class TrieClassifier {
 public:
  // `subjects` are the classes that rules were made for (null: every class): about others, as a
  // direction's subject, the answer is 0 whatever the rules say. Errors: ResourceExhausted naming
  // the figure and the limit; Internal with rte_acl's own error. An empty table is fine: then every
  // answer is 0.
  static absl::StatusOr<std::unique_ptr<TrieClassifier>> Build(const RuleTable& table,
                                                               const TrieLimits& limits = {},
                                                               const ClassSet* subjects = nullptr);
  ~TrieClassifier();
  TrieClassifier(const TrieClassifier&) = delete;
  TrieClassifier& operator=(const TrieClassifier&) = delete;

  unsigned categories() const { return categories_; }
  // Run-time structures of a direction, from DPDK's heap; 0 without rules.
  size_t memory_bytes(Direction direction) const;
  size_t memory_bytes() const {
    return memory_bytes(Direction::kEgress) + memory_bytes(Direction::kIngress);
  }
  // hits.size() >= keys.size() * categories(); the answers of keys[i] start at i * categories().
  // Any number of keys, best in bursts of 16 or more.
  void Classify(std::span<const ClassifyKey> keys, std::span<uint32_t> hits) const;

 private:
  class DirectionTrie;

  using Classes = std::bitset<kMaxClass + 1>;

  TrieClassifier(unsigned categories, const ClassSet* subjects);

  unsigned categories_;
  Classes subjects_;
  std::array<std::unique_ptr<DirectionTrie>, kDirections> tries_;  // null without rules
};

}  // namespace sluice::acl
