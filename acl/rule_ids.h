// Numbers for the rules of policies that stay the same from one rule table to the next.
//
// A table's indices change with every policy edit; counters, events and traces outlive that. A rule
// is the same one as long as its source says the same: tier, policies, rule.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "acl/flat_rule.h"

namespace sluice::acl {

using RuleId = uint32_t;
inline constexpr RuleId kNoRule = 0;

class RuleIds {
 public:
  // Rules that are gone and still have a name here; the longest gone are forgotten first.
  static constexpr size_t kRemembered = 4096;

  // The numbers of `table`, which follows the one that `previous` (null for the first) numbers.
  // Cost: all sources' texts.
  static std::shared_ptr<const RuleIds> Next(const RuleIds* previous, const RuleTable& table);

  // Of RuleTable::sources[source].
  RuleId Of(uint32_t source) const { return by_source_[source]; }
  // Null: forgotten, or never was.
  const RuleSource* Find(RuleId id) const;
  bool InForce(RuleId id) const;

 private:
  struct Numbered {
    RuleSource source;
    bool in_force = false;
  };

  void Number(const RuleSource& source);
  void Retire(const RuleIds& previous);

  std::vector<RuleId> by_source_;
  std::map<RuleId, Numbered> rules_;
  std::map<std::string, RuleId> ids_;  // of rules_, by text
  std::vector<RuleId> gone_;           // those of rules_ not in force, the longest gone first
  RuleId next_ = kNoRule + 1;
};

}  // namespace sluice::acl
