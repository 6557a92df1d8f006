// The distinct things that policies ask about an address: which pods it belongs to, which numbers
// their named ports have, which CIDRs it lies in.
//
// Predicates are values; their sort order is part of the design. Classes are numbered by the
// predicates they satisfy in this order (class_table.h), so what comes first here becomes one
// contiguous range of classes: all pods, then whole namespaces, then the pods of one namespace.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "acl/address.h"
#include "acl/objects.h"
#include "acl/selector.h"

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

// The pod's port `name` of `protocol` has this number.
struct PortFact {
  std::string name;
  uint8_t protocol = 0;  // IP protocol number
  uint16_t number = 0;
  auto operator<=>(const PortFact&) const = default;
};

// A Cidr sorts behind the blocks that contain it, so every block is a contiguous range too.
using Predicate = std::variant<PodPredicate, PortFact, Cidr>;
using PredicateId = uint32_t;
inline constexpr PredicateId kAllPods = 0;  // always interned

std::string ToString(const Predicate& predicate);

PodPredicate SubjectOf(const NetworkPolicy& policy);
// The pods that `peer` of a policy in `namespace_name` selects; `peer` has no ipBlock.
PodPredicate PeerOf(const std::string& namespace_name, const NetworkPolicyPeer& peer);

// The named ports of `endpoint`, resolved as Kubernetes does: the first of a name and protocol.
std::vector<PortFact> FactsOf(const Endpoint& endpoint);

// Immutable: sorted, distinct; the id of a predicate is its place.
class PredicateTable {
 public:
  // Every predicate of `policies`, which passed Validate. Port facts only for names they use.
  PredicateTable(std::span<const NetworkPolicy* const> policies,
                 std::span<const Endpoint* const> endpoints);

  std::span<const Predicate> all() const { return predicates_; }
  std::optional<PredicateId> Find(const Predicate& predicate) const;
  // `predicate` was collected.
  PredicateId IdOf(const Predicate& predicate) const { return *Find(predicate); }
  // Every number that the port `name` of `protocol` has in some pod.
  std::vector<PortFact> FactsNamed(const std::string& name, uint8_t protocol) const;

 private:
  std::vector<Predicate> predicates_;
};

}  // namespace sluice::acl
