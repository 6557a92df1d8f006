// Numbers for the rules of policies that stay the same from one rule table to the next.
//
// A table's indices change with every policy edit; counters, events and traces outlive that. A rule
// is the same one as long as its source says the same: tier, policies, rule.
//
// Next numbers the table that takes another's place; Beside one that stands beside a base, for the
// subjects of policies that changed since, and costs what it says, not what the base says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
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

  // The numbers of `table`, which follows what `previous` (null for the first) numbers: a base,
  // with whatever stood beside it. Cost: all sources' texts.
  static std::shared_ptr<const RuleIds> Next(const RuleIds* previous, const RuleTable& table);

  // Another table that stands beside the base. Its rules are in force but for those of policies
  // that were `replaced` since it was made.
  struct Neighbour {
    const RuleTable* table = nullptr;
    const std::set<std::string>* replaced = nullptr;
  };

  // The numbers of `table` beside the one that `base` numbers. `previous`, if not null, are those
  // that the result follows: of the same base, or of one that `base` follows. Rules of the base
  // whose policies are among `replaced` are in force only if `table` or a neighbour says them
  // again. Cost: the sources of tables that stood beside a base since it was made.
  static std::shared_ptr<const RuleIds> Beside(std::shared_ptr<const RuleIds> base,
                                               const RuleIds* previous, const RuleTable& table,
                                               std::set<std::string> replaced,
                                               std::span<const Neighbour> neighbours = {});

  // What `ids` stand beside, or they themselves if they stand alone.
  static std::shared_ptr<const RuleIds> BaseOf(const std::shared_ptr<const RuleIds>& ids);

  // Of RuleTable::sources[source] of the table that these are the numbers of.
  RuleId Of(uint32_t source) const { return by_source_[source]; }
  // Of the base, too. Null: forgotten, or never was.
  const RuleSource* Find(RuleId id) const;
  bool InForce(RuleId id) const;
  // Whether there are numbers here that were given out after those of `other`.
  bool IsAheadOf(const RuleIds& other) const { return next_ > other.next_; }

 private:
  struct Numbered {
    RuleSource source;
    bool in_force = false;
  };

  RuleId Number(const RuleSource& source);
  RuleId IdOf(const RuleSource& source);
  void Retire(const std::map<RuleId, Numbered>& previous);
  static RuleIds Merged(const RuleIds& previous);

  std::shared_ptr<const RuleIds> base_;  // null: these stand alone
  std::set<std::string> replaced_;       // policies of the base
  std::vector<RuleId> by_source_;
  std::map<RuleId, Numbered> rules_;   // beside a base: of its rules those that are said again
  std::map<std::string, RuleId> ids_;  // of rules_, by text; not of the base's
  std::vector<RuleId> gone_;           // those of rules_ not in force, the longest gone first
  RuleId next_ = kNoRule + 1;
};

}  // namespace sluice::acl
