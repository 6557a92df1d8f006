#include "control/oracle_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "acl/classifier.h"
#include "acl/linear_classifier.h"

namespace sluice::control {
namespace {

constexpr uint8_t kTcp = 6;
constexpr size_t kKeysPerRule = 4;

// The two corners a rule holds and the two points just past them.
void AddCorners(const acl::FlatRule& rule, std::vector<acl::ClassifyKey>& keys) {
  const uint8_t protocol = rule.protocol < 0 ? kTcp : static_cast<uint8_t>(rule.protocol);
  auto add = [&](int src, int dst, int port) {
    keys.push_back(acl::ClassifyKey::Make(protocol, static_cast<acl::ClassId>(src),
                                          static_cast<acl::ClassId>(dst),
                                          static_cast<uint16_t>(port)));
  };
  add(rule.src.first, rule.dst.first, rule.port_first);
  add(rule.src.last, rule.dst.last, rule.port_last);
  add(rule.src.first, rule.dst.last, rule.port_last + 1);
  add(rule.src.last + 1, rule.dst.first - 1, rule.port_first);
}

std::vector<acl::ClassifyKey> SampleKeys(const acl::RuleTable& table, size_t max_matches) {
  const size_t rules = table.rules.size();
  std::vector<acl::ClassifyKey> keys;
  if (rules == 0) return keys;
  const size_t samples = std::clamp<size_t>(max_matches / rules / kKeysPerRule, 1, rules);
  for (size_t i = 0; i < samples; ++i) AddCorners(table.rules[i * rules / samples], keys);
  return keys;
}

}  // namespace

absl::Status CheckAgainstOracle(const acl::RuleTable& table, const acl::TrieClassifier& trie,
                                size_t max_matches) {
  const acl::LinearClassifier oracle(table);
  const std::vector<acl::ClassifyKey> keys = SampleKeys(table, max_matches);
  const size_t categories = oracle.categories();
  if (trie.categories() != categories) {
    return absl::InternalError(fmt::format("policy build: the trie has {} categories, not {}",
                                           trie.categories(), categories));
  }
  std::vector<uint32_t> expected(keys.size() * categories), seen(expected.size());
  oracle.Classify(keys, expected);
  trie.Classify(keys, seen);
  const auto differs = std::mismatch(expected.begin(), expected.end(), seen.begin());
  if (differs.first == expected.end()) return absl::OkStatus();
  const size_t at = static_cast<size_t>(differs.first - expected.begin());
  const acl::ClassifyKey& key = keys[at / categories];
  return absl::InternalError(fmt::format(
      "policy build: trie and oracle differ on protocol {}, classes {} to {}, port {}, category "
      "{}: "
      "rule {} instead of {}",
      key.protocol, __builtin_bswap16(key.src_class_be), __builtin_bswap16(key.dst_class_be),
      __builtin_bswap16(key.dst_port_be), at % categories, *differs.second, *differs.first));
}

}  // namespace sluice::control
