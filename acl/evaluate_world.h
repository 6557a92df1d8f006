// What the raw objects say of an address and of a namespace.
//
// Part of acl/evaluator.h.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <map>
#include <string>
#include <vector>

#include "acl/policy_input.h"

namespace sluice::acl {

class RawWorld {
 public:
  // `input` outlives it.
  explicit RawWorld(const PolicyInput& input);

  // The pod that policies know behind `address`, never a host-network one. Of several claimants a
  // local one; null for an address that nobody claims, and if those who claim it differ in what
  // policies look at (namespace, labels, named ports): then it is unknown.
  const Endpoint* PodAt(const IpAddress& address) const;

  // In the cluster, but of no pod (or of pods that differ) and of no node: nothing may be allowed
  // on the strength of it.
  bool IsUnknown(const IpAddress& address) const;

  // `address` is that of a node whose labels `nodes` selects; more than one may have it.
  bool IsNode(const IpAddress& address, const LabelSelector& nodes) const;

  // `namespaces` selects the namespace of this name. kubernetes.io/metadata.name holds on each, and
  // alone on one that is not listed.
  bool SelectsNamespace(const LabelSelector& namespaces, const std::string& name) const;

  // The namespace has the annotation of before Kubernetes 1.7.
  bool IsDefaultDeny(const std::string& name) const;

 private:
  void AddNodes();
  bool IsContested(const IpAddress& address) const;

  const PolicyInput& input_;
  std::map<std::string, Labels> namespaces_;
  absl::flat_hash_map<IpAddress, std::vector<const Endpoint*>> claims_;
  std::map<IpAddress, std::vector<Labels>> nodes_at_;  // listed ones, and those only pods name
};

}  // namespace sluice::acl
