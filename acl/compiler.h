// Policies -> classes -> flat rules: the whole calculation for one network, from current state
// only.
//
// Compile(input) is a pure function: the same objects in any order give the same result, bit for
// bit.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "acl/address_map.h"
#include "acl/cluster_policy.h"
#include "acl/flat_rule.h"
#include "acl/objects.h"

namespace sluice::acl {

// What extensions/v1beta1 NetworkPolicies mean (SEMANTICS 16).
enum class LegacyPolicy : uint8_t {
  kAnnotation,  // what they meant before Kubernetes 1.7: the namespace's annotation isolates
  kV1,          // what they meant from 1.7 on: the same as networking.k8s.io/v1
};

struct PolicyInput {
  std::vector<Namespace> namespaces;  // one missing here has no labels but its own name
  std::vector<Endpoint> endpoints;
  std::vector<Node> nodes;
  // Those that act on this network; each passed Validate.
  std::vector<NetworkPolicy> policies;
  std::vector<MultiNetworkPolicy> multi_policies;
  std::vector<ClusterPolicy> cluster_policies;
  LegacyPolicy legacy_policy = LegacyPolicy::kAnnotation;
  std::vector<Cidr> cluster_cidrs;  // unknown addresses in here are kUnknownClass
  // Flat rules are made only for these subjects: (namespace, name). With `all_local` every endpoint
  // counts as local (sluicectl verdict).
  std::set<std::pair<std::string, std::string>> local;
  bool all_local = false;
  bool operator==(const PolicyInput&) const = default;
};

// The classes of an endpoint as a subject, by family. Both are set even if it has no address of
// that family (then its class is that of an address no CIDR contains).
struct SubjectClasses {
  ClassId v4 = kUnknownClass;
  ClassId v6 = kUnknownClass;
  bool operator==(const SubjectClasses&) const = default;
};

// What one class stands for, for `sluicectl get classes`.
struct ClassInfo {
  std::vector<std::string> selectors;  // selectors and CIDRs its members match, as text
  size_t endpoint_addresses = 0;       // members that are endpoint addresses
  bool operator==(const ClassInfo&) const = default;
};

struct CompiledPolicy {
  RuleTable table;
  AddressMap addresses;
  absl::flat_hash_map<std::pair<std::string, std::string>, SubjectClasses> subjects;
  std::vector<ClassInfo> classes;  // by ClassId
  bool operator==(const CompiledPolicy&) const = default;
};

// Host-network endpoints and those without addresses are nobody's subject or peer. An address that
// two endpoints claim goes to the local one; between equals whose classes differ it is
// kUnknownClass. Exemptions (own node, the pod itself) are not in here: acl/exemption.h.
//
// Errors: ResourceExhausted when classes exceed kMaxClass or rules kMaxFlatRules, naming the
// figure; InvalidArgument for a policy that does not pass Validate and for two objects of one name.
absl::StatusOr<CompiledPolicy> Compile(const PolicyInput& input);

}  // namespace sluice::acl
