// What would have let a denied flow through: the allow rule that misses it by least.
//
// For people who ask why something was dropped by default: usually a port or a label is off.
#pragma once

#include <cstdint>
#include <optional>

#include "acl/classifier.h"

namespace sluice::acl {

struct NearestRule {
  uint32_t rule = 0;  // 1 + index in the table, as classifiers answer
  // What of the key it does not match; at least one. Never the port of a protocol without ports.
  bool peer = false;
  bool protocol = false;
  bool port = false;
};

// Among the rules of the NetworkPolicy tier that allow for the key's subject: the one that differs
// in fewest respects, then by the smallest distance of the port, then the first. Absent if there is
// none. `key` was denied by default. Cost: all rules.
std::optional<NearestRule> FindNearestRule(const RuleTable& table, const ClassifyKey& key,
                                           Direction direction);

}  // namespace sluice::acl
