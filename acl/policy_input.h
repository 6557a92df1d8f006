// Everything that policy for one network is made of.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "acl/address.h"
#include "acl/cluster_policy.h"
#include "acl/endpoint_list.h"
#include "acl/objects.h"
#include "acl/sluice_policy.h"

namespace sluice::acl {

// What extensions/v1beta1 NetworkPolicies mean (SEMANTICS 16).
enum class LegacyPolicy : uint8_t {
  kAnnotation,  // what they meant before Kubernetes 1.7: the namespace's annotation isolates
  kV1,          // what they meant from 1.7 on: the same as networking.k8s.io/v1
};

struct PolicyInput {
  std::vector<Namespace> namespaces;  // one missing here has no labels but its own name
  EndpointList endpoints;
  std::vector<Node> nodes;
  // Those that act on this network; each passed Validate.
  std::vector<NetworkPolicy> policies;
  std::vector<MultiNetworkPolicy> multi_policies;
  std::vector<ClusterPolicy> cluster_policies;
  std::vector<SluicePolicy> sluice_policies;
  LegacyPolicy legacy_policy = LegacyPolicy::kAnnotation;
  std::vector<Cidr> cluster_cidrs;  // unknown addresses in here are kUnknownClass
  // Flat rules are made only for these subjects: (namespace, name). With `all_local` every endpoint
  // counts as local (sluicectl verdict).
  std::set<std::pair<std::string, std::string>> local;
  bool all_local = false;
  bool operator==(const PolicyInput&) const = default;
};

}  // namespace sluice::acl
