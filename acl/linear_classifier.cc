#include "acl/linear_classifier.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace sluice::acl {
namespace {

// Keys side by side, one value after the other: then compilers hold several at once against a rule.
class Columns {
 public:
  static constexpr size_t kMost = 256;

  // At most kMost.
  explicit Columns(std::span<const ClassifyKey> keys) : size_(keys.size()) {
    for (size_t k = 0; k < keys.size(); ++k) {
      protocol_[k] = keys[k].protocol;
      src_[k] = __builtin_bswap16(keys[k].src_class_be);
      dst_[k] = __builtin_bswap16(keys[k].dst_class_be);
      port_[k] = __builtin_bswap16(keys[k].dst_port_be);
    }
  }

  // Writes `hit` over those of `hits` whose keys `rule` matches.
  void Mark(const FlatRule& rule, uint32_t hit, std::array<uint32_t, kMost>& hits) const {
    const bool any = rule.protocol == kAnyProtocol;
    const Range protocol(any ? 0 : rule.protocol, any ? 0xff : rule.protocol);
    const Range src(rule.src.first, rule.src.last), dst(rule.dst.first, rule.dst.last);
    const Range port(rule.port_first, rule.port_last);
    for (size_t k = 0; k < size_; ++k) {
      const uint32_t matches = protocol.Contains(protocol_[k]) & src.Contains(src_[k]) &
                               dst.Contains(dst_[k]) & port.Contains(port_[k]);
      hits[k] = matches != 0 ? hit : hits[k];
    }
  }

 private:
  // Inclusive, first <= last.
  struct Range {
    Range(int first_value, int last_value)
        : first(static_cast<uint32_t>(first_value)),
          length(static_cast<uint32_t>(last_value) - first) {}
    // 0 or 1: numbers, so that no comparison has to wait for another's outcome.
    uint32_t Contains(uint32_t value) const { return value - first <= length ? 1 : 0; }
    uint32_t first, length;
  };
  using Column = std::array<uint32_t, kMost>;

  const size_t size_;
  Column protocol_ = {}, src_ = {}, dst_ = {}, port_ = {};
};

}  // namespace

LinearClassifier::LinearClassifier(const RuleTable& table)
    : table_(table), categories_(CategoriesOf(table)), ascending_(table.rules.size()) {
  std::iota(ascending_.begin(), ascending_.end(), 0);
  std::ranges::sort(ascending_, {}, [&](uint32_t r) { return table.rules[r].priority; });
}

void LinearClassifier::Classify(std::span<const ClassifyKey> keys, std::span<uint32_t> hits) const {
  for (size_t first = 0; first < keys.size(); first += Columns::kMost) {
    const size_t count = std::min(Columns::kMost, keys.size() - first);
    const Columns columns(keys.subspan(first, count));
    std::array<std::array<uint32_t, Columns::kMost>, kMaxCategories> best = {};
    for (const uint32_t r : ascending_) {
      const FlatRule& rule = table_.rules[r];
      columns.Mark(rule, r + 1, best[CategoryOf(rule.tier, rule.direction)]);
      if (IsPlain(table_, rule)) {
        columns.Mark(rule, r + 1, best[PlainCategoryOf(rule.direction)]);
      }
    }
    for (size_t k = 0; k < count; ++k) {
      const Directions asked = keys[first + k].directions;
      for (unsigned c = 0; c < categories_; ++c) {
        const bool wanted = (asked >> (c % kDirections) & 1) != 0;
        hits[(first + k) * categories_ + c] = wanted ? best[c][k] : 0;
      }
    }
  }
}

}  // namespace sluice::acl
