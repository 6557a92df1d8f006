// In words: the rule that comes nearest to admitting what was denied by default.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acl/classifier.h"

namespace sluice::control {

struct Nearest {
  std::string policy;                // "NetworkPolicy default/db"
  std::string rule;                  // "ingress[0]"
  std::string admits;                // "TCP 6379", "UDP 5000-5010", "any TCP port", "anything"
  std::vector<std::string> differs;  // of what was asked: "peer", "protocol", "port"
  std::string text;  // "NetworkPolicy default/db ingress[0] admits TCP 6379 (asked: 6380)"
  bool operator==(const Nearest&) const = default;
};

// `key` was denied by default in `direction`. Absent if no rule admits anything for its subject.
// Cost: all rules.
std::optional<Nearest> FindNearest(const acl::RuleTable& table, const acl::ClassifyKey& key,
                                   acl::Direction direction);

}  // namespace sluice::control
