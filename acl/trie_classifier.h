// The fast classifier: one rte_acl context, the (tier, direction) pairs as its categories.
//
// Needs an initialised EAL (rte_acl allocates from its heap). Build is single-threaded; Classify
// may be called by any number of workers at once. The SIMD level is chosen at run time.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "acl/classifier.h"

struct rte_acl_ctx;

namespace sluice::acl {

// The widest instructions a classifier may use; what the CPU or DPDK's build lacks is passed over.
enum class Simd : uint8_t { kScalar, kSse, kAvx2, kAvx512 };

struct TrieLimits {
  // While building, rte_acl takes about 8 KiB a rule from the C heap (0.8 GB at 100k).
  size_t max_rules = 200'000;
  size_t max_memory_bytes = size_t{1} << 30;  // of the run-time structures, from DPDK's heap
  Simd simd = Simd::kAvx512;
};

class TrieClassifier {
 public:
  // Errors: ResourceExhausted naming the figure and the limit; Internal with rte_acl's own error.
  // An empty table is fine: then every answer is 0.
  static absl::StatusOr<std::unique_ptr<TrieClassifier>> Build(const RuleTable& table,
                                                               const TrieLimits& limits = {});
  ~TrieClassifier();
  TrieClassifier(const TrieClassifier&) = delete;
  TrieClassifier& operator=(const TrieClassifier&) = delete;

  unsigned categories() const { return categories_; }
  // hits.size() >= keys.size() * categories(); the answers of keys[i] start at i * categories().
  // Any number of keys, best in bursts of 16 or more.
  void Classify(std::span<const ClassifyKey> keys, std::span<uint32_t> hits) const;

 private:
  TrieClassifier(rte_acl_ctx* ctx, unsigned categories, int algorithm)
      : ctx_(ctx), categories_(categories), algorithm_(algorithm) {}
  rte_acl_ctx* ctx_;  // null for an empty table
  unsigned categories_;
  int algorithm_;  // an rte_acl_classify_alg
};

}  // namespace sluice::acl
