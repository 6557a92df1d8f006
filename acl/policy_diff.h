// Which verdicts a change of policies would flip, before it is made.
//
// Both sets are compiled over the classes that either of them can tell apart, so a verdict of one
// is a verdict of the other; and between two edges of rules all ports are alike. Exact, then,
// without asking about each pod or port.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "acl/classifier.h"
#include "acl/policy_input.h"
#include "acl/universe.h"

namespace sluice::acl {

// The two sides of one connection; a side whose end is not a local pod allows.
struct BothSides {
  Decision egress, ingress;
  bool allow() const { return egress.allow && ingress.allow; }
};

// New connections from one class to another, for ports between two edges.
struct Flip {
  ClassId from = kUnknownClass;
  ClassId to = kUnknownClass;
  uint8_t protocol = 0;  // IP protocol number; kEveryOther: all that no rule names
  uint16_t port_first = 0;
  uint16_t port_last = 0xffff;
  BothSides before, after;
};
inline constexpr uint8_t kEveryOther = 255;  // reserved by IANA, never a packet's

struct PolicyDiff {
  uint64_t count = 0;       // of all flips
  std::vector<Flip> flips;  // the first ones
  std::unique_ptr<Universe> universe;
  Population population;
  RuleTable before, after;  // what the flips' decisions refer to
};

// The policies of `after` in place of those of `before`, over the endpoints, namespaces and nodes
// of `before`. A class as a peer is everything in it; a class of local pods is judged as a subject
// too. At most `most` flips are listed. Errors: CompileParts'.
absl::StatusOr<PolicyDiff> DiffPolicies(const PolicyInput& before, const PolicyInput& after,
                                        size_t most);

}  // namespace sluice::acl
