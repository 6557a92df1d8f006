// Cluster-wide policies as their authors wrote them: ClusterNetworkPolicy v1alpha2, and its
// forerunners AdminNetworkPolicy and BaselineAdminNetworkPolicy v1alpha1
// (policy.networking.k8s.io).
//
// One shape for the three; what their APIs allow differs (acl/validate.h). Field names follow
// ClusterNetworkPolicy.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "acl/objects.h"

namespace sluice::acl {

enum class ClusterPolicyKind : uint8_t {
  kClusterNetworkPolicy,
  kAdminNetworkPolicy,          // tier Admin
  kBaselineAdminNetworkPolicy,  // tier Baseline, no priority, named "default"
};
const char* KindName(ClusterPolicyKind kind);  // "ClusterNetworkPolicy", ...

// Pods by the labels of their namespace and their own; of peer or subject `namespaces`: `pods` is
// empty, which selects all.
struct PodsPeer {
  LabelSelector namespaces;
  LabelSelector pods;
  bool operator==(const PodsPeer&) const = default;
};
// Egress only.
struct NodesPeer {
  LabelSelector nodes;
  bool operator==(const NodesPeer&) const = default;
};
// Egress only.
struct NetworksPeer {
  std::vector<std::string> cidrs;
  bool operator==(const NetworksPeer&) const = default;
};
// Egress with Accept only. Matches nothing until names are inspected.
struct DomainNamesPeer {
  std::vector<std::string> names;  // "example.org", "*.example.org"
  bool operator==(const DomainNamesPeer&) const = default;
};
// A kind of peer, or of protocol, that this version does not know: its rule fails closed.
struct UnknownKind {
  std::string field;  // API path, for people
  bool operator==(const UnknownKind&) const = default;
};
using ClusterPeer = std::variant<UnknownKind, PodsPeer, NodesPeer, NetworksPeer, DomainNamesPeer>;

// Destination ports of one protocol.
struct PortNumbers {
  std::string protocol;  // "TCP", "UDP", "SCTP"; empty means TCP
  int64_t first = 0;     // 0 to 65535 (v1alpha1: 1): no destinationPort at all
  int64_t last = 65535;  // inclusive
  bool operator==(const PortNumbers&) const = default;
};
// The destination pod's port of this name, whatever its protocol.
struct PortName {
  std::string name;
  bool operator==(const PortName&) const = default;
};
using ClusterPort = std::variant<UnknownKind, PortNumbers, PortName>;

struct ClusterRule {
  std::string name;    // may be empty
  std::string action;  // "Accept", "Deny", "Pass"; v1alpha1's "Allow" is read as "Accept"
  std::vector<ClusterPeer> peers;  // `from` or `to`; never empty
  std::vector<ClusterPort> ports;  // `protocols` or `ports`; empty: all traffic
  bool operator==(const ClusterRule&) const = default;
};

struct ClusterPolicy {
  ClusterPolicyKind kind = ClusterPolicyKind::kClusterNetworkPolicy;
  std::string name;
  PolicyOptions options;
  std::string tier;      // "Admin" or "Baseline"; set for every kind
  int64_t priority = 0;  // 0 (first) to 1000; of no meaning for BaselineAdminNetworkPolicy
  PodsPeer subject;
  std::vector<ClusterRule> ingress;
  std::vector<ClusterRule> egress;
  bool operator==(const ClusterPolicy&) const = default;
};

}  // namespace sluice::acl
