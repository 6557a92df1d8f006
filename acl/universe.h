// What one set of policies can tell apart: its predicates, the classes that they make of the
// endpoints and addresses there are, and which class whom belongs to.
//
// Made once for a set of policies; then endpoints may come, go and change without a new one, as
// long as they fall into classes that are there (Place).
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "acl/class_table.h"
#include "acl/lowering.h"
#include "acl/population.h"
#include "acl/predicate_table.h"
#include "acl/signature.h"

namespace sluice::acl {

class Universe {
 public:
  // Classes for `policies` over the endpoints, nodes and blocks of `input`, whose own policies are
  // not looked at. Fills `population`. Errors: ResourceExhausted when classes exceed kMaxClass,
  // naming the figure; InvalidArgument for two endpoints of one name.
  static absl::StatusOr<std::unique_ptr<Universe>> Build(const PolicyInput& input,
                                                         std::span<const LoweredPolicy> policies,
                                                         Population* population);

  const PredicateTable& predicates() const { return predicates_; }
  const ClassTable& classes() const { return classes_; }
  // The classes that local endpoints had as subjects: rules are made for these.
  const ClassSet& local() const { return local_; }
  // The blocks that addresses without an owner are told apart by, with their classes.
  std::span<const std::pair<Cidr, ClassId>> blocks() const { return blocks_; }

  struct Placement {
    Population::Change change;  // one without addresses, or on the host's network: no member
    bool judged = true;         // false: it is local, and its class was no local subject's
  };
  // Where `endpoint` belongs. Absent if that needs a universe of its own: no class for it exists,
  // or it names a port or a node address that no endpoint had. One thread at a time, whatever
  // others read: signatures are remembered.
  std::optional<Placement> Place(const Endpoint& endpoint, bool local);

  // Whether a node is known by what its pods say, `endpoint` among them: once it says something
  // else, or is gone, the node may need a universe of its own.
  bool SpeaksForNode(const Endpoint& endpoint) const {
    return !endpoint.node_addresses.empty() && !listed_nodes_.contains(endpoint.node);
  }

  // What the members of each class match, as text; by ClassId.
  std::vector<std::vector<std::string>> Describe() const;

 private:
  // An endpoint or node, with what holds of it and of each of its addresses.
  struct Signed {
    MemberName name;
    Owner owner = Owner::kRemote;
    Signature own;  // without CIDRs
    std::vector<std::pair<IpAddress, Signature>> addresses;
  };

  Universe(PredicateTable predicates, std::span<const Namespace> namespaces);

  Signed Sign(const Endpoint& endpoint, bool local);
  Signed Sign(const Node& node) const;
  void AddNodes(const std::vector<Node>& nodes);
  Signature HoldsOf(const IpAddress& address) const;
  std::optional<Member> ClassesOf(const Signed& from) const;
  absl::Status NumberClasses(const std::vector<Signed>& members,
                             const std::vector<std::pair<Cidr, Signature>>& outside);

  PredicateTable predicates_;
  PodSigner pods_;
  NodeSigner nodes_;
  CidrIndex cidrs_;
  absl::flat_hash_set<std::string> listed_nodes_;       // that have an object of their own
  absl::flat_hash_map<IpAddress, Signature> nodes_at_;  // what holds of the nodes that have it
  ClassTable classes_;
  ClassSet local_;
  std::vector<std::pair<Cidr, ClassId>> blocks_;
};

}  // namespace sluice::acl
