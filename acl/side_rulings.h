// What two tables of rules say of one direction, before and after a change, for every pair of
// classes at once.
//
// Subjects under the same rules are one group; of one group, peers between two edges of its rules
// are alike; and a pair's answer depends on protocol and port through a handful of ranges. So there
// are few different answers, each computed once and numbered.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "acl/flat_rule.h"
#include "acl/universe.h"

namespace sluice::acl {

// One side's answer.
struct Ruling {
  bool allow = true;
  Tier tier = Tier::kNone;
  uint32_t source = 0;  // 0: nothing matched, or not judged; else 1 + index in RuleTable::sources
  auto operator<=>(const Ruling&) const = default;
};

// Of destination ports first .. last.
struct PortRulings {
  uint16_t first = 0;
  uint16_t last = 0xffff;
  Ruling before, after;
  auto operator<=>(const PortRulings&) const = default;
};

// By protocol. Ranges cover all ports, in order, and neighbours differ. kAnyProtocol is there
// always and means every protocol that is not; its one range is all ports.
using Rulings = std::map<int16_t, std::vector<PortRulings>>;

class SideRulings {
 public:
  // The tables are over the classes of `universe`. Cost: the rules of a group, for every edge among
  // them.
  SideRulings(const RuleTable& before, const RuleTable& after, Direction direction,
              const Universe& universe);

  // Which of all() is the answer of `subject` for `peer`. A subject that is not local is not
  // judged: 0, which allows everything.
  uint32_t Find(ClassId subject, ClassId peer) const;
  const std::vector<Rulings>& all() const { return all_; }
  // False: `subject` is never allowed after what it is denied before, nor the other way.
  bool MayFlip(ClassId subject) const { return groups_[group_of_[subject]].may_flip; }

 private:
  // A flat rule without its subject.
  struct PeerRule {
    ClassInterval peer;
    Tier tier = Tier::kNetworkPolicy;
    Action action = Action::kDeny;
    PortRange ports;
    uint32_t source = 0;
    auto operator<=>(const PeerRule&) const = default;
  };
  using PeerRules = std::vector<PeerRule>;  // of one tier, first wins
  using BothRules = std::pair<PeerRules, PeerRules>;

  // Peers up to `last`, from the one after the span before.
  struct PeerSpan {
    ClassId last = kMaxClass;
    uint32_t rulings = 0;
  };
  struct Group {
    std::vector<PeerSpan> spans;
    bool may_flip = false;
  };

  static std::vector<PeerRules> BySubject(const RuleTable& table, Direction direction,
                                          const Universe& universe);
  static Ruling RulingAt(const PeerRules& rules, int16_t protocol, uint16_t port);
  static std::vector<PortRulings> RulingsOf(const BothRules& rules, int16_t protocol);
  static Rulings RulingsFor(const BothRules& rules, ClassId peer);
  uint32_t Number(Rulings rulings);
  Group MakeGroup(const BothRules& rules);

  std::vector<uint32_t> group_of_;  // by subject
  std::vector<Group> groups_;
  std::vector<Rulings> all_;
  std::map<Rulings, uint32_t> numbers_;
};

}  // namespace sluice::acl
