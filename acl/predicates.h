// The distinct things that policies ask about an address: which pods it belongs to, which numbers
// their named ports have, which CIDRs it lies in.
//
// Predicates are values; their sort order is part of the design. Classes are numbered by the
// predicates they satisfy in this order (class_table.h), so what comes first here becomes one
// contiguous range of classes: all pods, then whole namespaces, then the pods of one namespace.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "acl/address.h"
#include "acl/objects.h"
#include "acl/selector.h"
#include "acl/sluice_policy.h"

namespace sluice::acl {

struct PodPredicate {
  enum class Scope : uint8_t {
    kAllPods,
    kWholeNamespaces,  // every pod of the namespaces that `namespaces` matches
    kOneNamespace,     // pods of `namespace_name`
    kAcross,           // pods by label, of the namespaces that `namespaces` matches
  };
  Scope scope = Scope::kAllPods;
  std::string namespace_name;  // kOneNamespace only
  Selector namespaces;         // not with kOneNamespace
  Selector pods;
  auto operator<=>(const PodPredicate&) const = default;
};

// In place of an IP protocol number.
inline constexpr uint8_t kEveryProtocol = 0;

// The pod's port `name` of `protocol` has this number.
struct PortFact {
  std::string name;
  uint8_t protocol = 0;  // IP protocol number
  uint16_t number = 0;
  auto operator<=>(const PortFact&) const = default;
};

// The address is one of a node that `nodes` matches.
struct NodePredicate {
  Selector nodes;
  auto operator<=>(const NodePredicate&) const = default;
};

// A Cidr sorts behind the blocks that contain it, so every block is a contiguous range too.
using Predicate = std::variant<PodPredicate, PortFact, Cidr, NodePredicate>;
using PredicateId = uint32_t;
inline constexpr PredicateId kAllPods = 0;  // always interned

std::string ToString(const Predicate& predicate);

PodPredicate SubjectOf(const NetworkPolicy& policy);
PodPredicate SubjectOf(const SluicePolicy& policy);
// Pods by the labels of their namespaces and their own.
PodPredicate PodsAcross(const LabelSelector& namespaces, const LabelSelector& pods);
// The pods that `peer` of a policy in `namespace_name` selects; `peer` has no ipBlock.
PodPredicate PeerOf(const std::string& namespace_name, const NetworkPolicyPeer& peer);

// The named ports of `endpoint`, resolved as Kubernetes does: the first of a name and protocol.
std::vector<PortFact> FactsOf(const Endpoint& endpoint);

}  // namespace sluice::acl
