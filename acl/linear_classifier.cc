#include "acl/linear_classifier.h"

#include <algorithm>

namespace sluice::acl {
namespace {

bool Matches(const FlatRule& rule, const ClassifyKey& key) {
  const uint16_t port = __builtin_bswap16(key.dst_port_be);
  return (rule.protocol == kAnyProtocol || rule.protocol == key.protocol) &&
         rule.src.Contains(__builtin_bswap16(key.src_class_be)) &&
         rule.dst.Contains(__builtin_bswap16(key.dst_class_be)) && rule.port_first <= port &&
         port <= rule.port_last;
}

}  // namespace

void LinearClassifier::Classify(std::span<const ClassifyKey> keys, std::span<uint32_t> hits) const {
  std::fill_n(hits.begin(), keys.size() * categories_, 0);
  for (size_t k = 0; k < keys.size(); ++k) {
    for (uint32_t r = 0; r < table_.rules.size(); ++r) {
      const FlatRule& rule = table_.rules[r];
      uint32_t& hit = hits[k * categories_ + CategoryOf(rule.tier, rule.direction)];
      const bool beats = hit == 0 || rule.priority > table_.rules[hit - 1].priority;
      if (beats && Matches(rule, keys[k])) hit = r + 1;
    }
  }
}

}  // namespace sluice::acl
