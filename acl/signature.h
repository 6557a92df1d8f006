// What holds of an address: the signature that decides its class.
//
// PodSigner answers for the pod behind an address, NodeSigner for the node, CidrIndex for the
// address itself. A signature is the sorted list of predicates that hold; predicates sort as pods,
// ports, CIDRs, nodes, so the parts append.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "acl/predicate_table.h"

namespace sluice::acl {

using Signature = std::vector<PredicateId>;  // ascending

// Computed once for each namespace and once for each label set that policies can tell apart, not
// once for each pod. One thread.
class PodSigner {
 public:
  // `predicates` must outlive the signer. A namespace that is not listed has no label but its name.
  PodSigner(const PredicateTable& predicates, std::span<const Namespace> namespaces);

  // The pod predicates and port facts that hold of `endpoint`.
  Signature Sign(const Endpoint& endpoint);

 private:
  const std::vector<PredicateId>& CandidatesIn(const std::string& namespace_name);

  const PredicateTable& predicates_;
  LabelIndex pod_labels_;
  LabelIndex namespace_labels_;
  std::vector<EncodedSelector> pods_;        // by PredicateId
  std::vector<EncodedSelector> namespaces_;  // by PredicateId; empty for kOneNamespace
  std::vector<PredicateId> across_;          // of several namespaces
  absl::flat_hash_map<std::string, Labels> labels_of_;
  absl::flat_hash_map<std::string, std::vector<PredicateId>> of_one_namespace_;
  // Pod predicates whose namespace side holds, by namespace.
  absl::flat_hash_map<std::string, std::vector<PredicateId>> candidates_;
  absl::flat_hash_map<std::pair<std::string, EncodedLabels>, Signature> signatures_;
};

// Which node predicates hold of a node.
class NodeSigner {
 public:
  explicit NodeSigner(const PredicateTable& predicates);
  Signature Sign(const Labels& labels) const;

 private:
  LabelIndex labels_;
  std::vector<std::pair<PredicateId, EncodedSelector>> selectors_;
};

// Which of the interned CIDRs contain an address or a block.
class CidrIndex {
 public:
  explicit CidrIndex(const PredicateTable& predicates);

  Signature Containing(const IpAddress& address) const {
    return Containing(Cidr{address, static_cast<uint8_t>(address.bits())});
  }
  // `block` counts as containing itself.
  Signature Containing(const Cidr& block) const;

 private:
  absl::flat_hash_map<Cidr, PredicateId> ids_;
  std::vector<uint8_t> lengths_v4_;  // prefix lengths in use, shortest first
  std::vector<uint8_t> lengths_v6_;
};

}  // namespace sluice::acl
