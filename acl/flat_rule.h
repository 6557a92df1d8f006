// What policies become: classes of peers, and flat rules over them.
//
// A Class stands for all (endpoint, address) pairs and address ranges that no active policy can
// tell apart (DESIGN 5.1). A FlatRule is (source classes, destination classes, protocol,
// destination ports) -> action, for one direction and tier. Both classifiers read the same flat
// rules.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "acl/content.h"

namespace sluice::acl {

using ClassId = uint16_t;
// Addresses inside cluster_cidrs that belong to no known endpoint: matched by no allow rule.
inline constexpr ClassId kUnknownClass = 0;
inline constexpr ClassId kMaxClass = 0xffff;

enum class Direction : uint8_t { kEgress = 0, kIngress = 1 };
inline constexpr unsigned kDirections = 2;

enum class Tier : uint8_t { kAdmin = 0, kNetworkPolicy = 1, kBaseline = 2, kNone = 3 };
const char* TierName(Tier tier);  // "Admin", "NetworkPolicy", "Baseline", "None"

enum class Action : uint8_t {
  kAllow,
  kDeny,
  kPass,    // on to the next tier
  kReject,  // kDeny, and the sender is told
};

// Inclusive on both ends.
struct ClassInterval {
  ClassId first = 0;
  ClassId last = kMaxClass;
  bool Contains(ClassId id) const { return first <= id && id <= last; }
  auto operator<=>(const ClassInterval&) const = default;
};

inline constexpr int16_t kAnyProtocol = -1;

struct FlatRule {
  Direction direction = Direction::kIngress;
  Tier tier = Tier::kNetworkPolicy;
  Action action = Action::kDeny;
  bool own_node = false;            // a deny that holds for the pod's own node too (exemption.h)
  int16_t protocol = kAnyProtocol;  // IP protocol number, or kAnyProtocol
  ClassInterval src;
  ClassInterval dst;
  uint16_t port_first = 0;  // destination port, host order, inclusive
  uint16_t port_last = 0xffff;
  int32_t priority = 1;      // higher wins; 1 .. 2^29-1, unique within (direction, tier)
  uint32_t source = 0;       // index into RuleTable::sources
  uint32_t content = 0;      // 0: none; else 1 + index into RuleTable::contents
  bool conditional = false;  // matches only what its content does, too (Content::IsConditional)
  // Another conditional rule that matches the same by addresses and ports comes before it: it is
  // never the first.
  bool shadowed = false;

  // Of its own direction.
  const ClassInterval& subject() const { return direction == Direction::kIngress ? dst : src; }
  const ClassInterval& peer() const { return direction == Direction::kIngress ? src : dst; }
  bool operator==(const FlatRule&) const = default;
};

// Where a flat rule came from, for people.
struct RuleSource {
  Tier tier = Tier::kNetworkPolicy;
  // "NetworkPolicy namespace/name", sorted. One for a rule; all isolating ones for a default deny.
  std::vector<std::string> policies;
  std::string rule;  // "ingress[0]", "egress[2]"; empty for a default deny
  bool log = false;  // what it decides is in the event log, whatever the log's filter says
  bool operator==(const RuleSource&) const = default;
};

// All flat rules of one network. Immutable once built; equal tables make equal classifiers.
struct RuleTable {
  std::vector<FlatRule> rules;
  std::vector<RuleSource> sources;
  std::vector<Content> contents;  // of rules that look into connections
  // By direction: some rule is conditional.
  std::array<bool, kDirections> has_conditional = {};
  bool operator==(const RuleTable&) const = default;
};

}  // namespace sluice::acl
