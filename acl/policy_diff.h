// Which verdicts a change of policies would flip, before it is made.
//
// Both sets are compiled over the classes that either of them can tell apart, so a verdict of one
// is a verdict of the other; and between two edges of rules all ports are alike. Exact, then,
// without asking about each pod or port.
//
//   before, after --Lower, Flatten--> two rule tables over one Universe --SideRulings--> what each
//   side says of a pair, before and after --pair by pair--> flips
//
// A rule that asks for content counts as what it lets through if it allows, and not at all if it
// denies.
//
// Classes know nothing of what joins one pod to one address (acl/exemption.h): of a flip between
// members of one class a pod and itself are no part, nor are a pod and its own node of a flip from
// the node. A class of one pod alone has no flip to itself.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "acl/policy_input.h"
#include "acl/side_rulings.h"
#include "acl/universe.h"

namespace sluice::acl {

// The two sides of one connection; a side whose end is not a local pod allows.
struct BothSides {
  Ruling egress, ingress;
  bool allow() const { return egress.allow && ingress.allow; }
  bool operator==(const BothSides&) const = default;
};

// New connections from one class to another, of one protocol, for a whole range of ports that are
// alike.
struct Flip {
  ClassId from = kUnknownClass;
  ClassId to = kUnknownClass;
  int16_t protocol = kAnyProtocol;  // IP protocol number; kAnyProtocol: all, without those of `but`
  std::vector<uint8_t> but;         // sorted; protocols that flip otherwise, or not at all
  uint16_t port_first = 0;
  uint16_t port_last = 0xffff;
  BothSides before, after;
  bool operator==(const Flip&) const = default;
};

struct PolicyDiff {
  uint64_t count = 0;       // of all flips
  uint64_t pairs = 0;       // of classes between which something flips
  std::vector<Flip> flips;  // the first ones, by from, to, protocol, ports
  std::unique_ptr<Universe> universe;
  Population population;
  RuleTable before, after;  // whose sources the flips' rulings name
};

// The policies of `before`, and those of `after`, both over the endpoints, namespaces and nodes of
// `after`. A class as a peer is everything in it; a class of local pods is judged as a subject too.
// Pairs without a family in common, or with a class that nobody is in, are left out. At most `most`
// flips are listed. Errors: CompileParts'. Cost: 0.3 s for 2,000 classes, all local, and 8,600
// flat rules.
absl::StatusOr<PolicyDiff> DiffPolicies(const PolicyInput& before, const PolicyInput& after,
                                        size_t most);

}  // namespace sluice::acl
