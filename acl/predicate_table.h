// Every predicate that some policy asks about, numbered.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acl/lowering.h"
#include "acl/predicates.h"

namespace sluice::acl {

// Immutable: sorted, distinct; the id of a predicate is its place.
class PredicateTable {
 public:
  // Every predicate of `policies`. Port facts of `endpoints` only for names that policies use.
  PredicateTable(std::span<const LoweredPolicy> policies,
                 std::span<const Endpoint* const> endpoints);

  std::span<const Predicate> all() const { return predicates_; }
  std::optional<PredicateId> Find(const Predicate& predicate) const;
  // `predicate` was collected.
  PredicateId IdOf(const Predicate& predicate) const { return *Find(predicate); }
  // Every number that the port has in some pod.
  std::vector<PortFact> FactsNamed(const PortReference& port) const;
  // What `policy` asks about, in order; without what was not collected.
  std::vector<PredicateId> AskedBy(const LoweredPolicy& policy) const;
  // Whether all that `policies` ask about is here, and every port that they name.
  bool Covers(std::span<const LoweredPolicy> policies) const;
  // Whether some policy names this port: then a pod with it needs the fact.
  bool Names(const PortFact& fact) const;

 private:
  std::vector<Predicate> predicates_;
  std::vector<PortReference> names_;  // sorted
};

}  // namespace sluice::acl
