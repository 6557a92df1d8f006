// Policies of every kind in one form: what the compiler works on.
//
//   NetworkPolicy, MultiNetworkPolicy, ClusterPolicy, a namespace's annotation
//     --Lower--> LoweredPolicy: tier, subject predicate, rules over predicates, in winning order
//
// What distinguishes the kinds ends here: default policyTypes, protocols by name, rules that fail
// closed, what extensions/v1beta1 means.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "acl/flat_rule.h"
#include "acl/policy_input.h"
#include "acl/predicates.h"

namespace sluice::acl {

// Destination ports, inclusive, of one protocol or of all.
struct PortRange {
  int16_t protocol = kAnyProtocol;
  uint16_t first = 0;
  uint16_t last = 0xffff;
  auto operator<=>(const PortRange&) const = default;
};

// A port of the destination pod, by name.
struct PortReference {
  std::string name;
  uint8_t protocol = kEveryProtocol;
  auto operator<=>(const PortReference&) const = default;
};

// An address block with holes.
struct AddressBlock {
  Cidr cidr;
  std::vector<Cidr> except;
};
using LoweredPeer = std::variant<PodPredicate, NodePredicate, AddressBlock>;

struct LoweredRule {
  Action action = Action::kAllow;
  std::string name;                               // "ingress[0]", or the name its author gave it
  std::optional<std::vector<LoweredPeer>> peers;  // absent: anybody
  std::vector<PortRange> ports;                   // sorted; those of one protocol do not touch
  std::vector<PortReference> named_ports;
  Content content;
  bool log = false;
};

struct LoweredPolicy {
  std::string name;  // "NetworkPolicy default/web"
  Tier tier = Tier::kNetworkPolicy;
  PodPredicate subject;
  PolicyOptions options;
  std::array<bool, kDirections> isolates = {};  // below its rules and those of its tier: deny
  std::array<std::vector<LoweredRule>, kDirections> rules;
};

const char* DirectionName(Direction direction);  // "ingress", "egress"

// In the order in which they win inside a tier. The NetworkPolicy tier: first the rules of
// SluicePolicies, each as a policy of its own, by order, policy, place; then the rest by namespace,
// name, kind. The others: by priority, then name, then kind. `input` passed Validate.
std::vector<LoweredPolicy> Lower(const PolicyInput& input);

}  // namespace sluice::acl
