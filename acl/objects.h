// The Kubernetes objects that policy is made of, as their authors wrote them.
//
// Field names follow the API (networking.k8s.io/v1, core/v1); text that the API keeps as text stays
// text here (CIDRs, protocols, int-or-string ports). acl/validate.h says whether an object is
// acceptable; the compiler takes only objects that passed it. Nothing here refers to DPDK, protobuf
// or JSON: every reader of outside bytes produces these.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "acl/address.h"

namespace sluice::acl {

using Labels = std::map<std::string, std::string>;

// IP protocol number of "TCP", "UDP" or "SCTP"; empty means TCP. 0 for any other text.
uint8_t ProtocolNumber(const std::string& protocol);

// meta/v1 LabelSelectorRequirement.
struct Requirement {
  std::string key;
  std::string op;  // "In", "NotIn", "Exists" or "DoesNotExist"
  std::vector<std::string> values;
  bool operator==(const Requirement&) const = default;
};

// meta/v1 LabelSelector: every entry must hold. An empty selector matches everything.
struct LabelSelector {
  Labels match_labels;
  std::vector<Requirement> match_expressions;
  bool operator==(const LabelSelector&) const = default;
};

struct Namespace {
  std::string name;
  Labels labels;
  // The annotation net.beta.kubernetes.io/network-policy says {"ingress":{"isolation":
  // "DefaultDeny"}}: what isolates pods in clusters before 1.7 (SEMANTICS 16).
  bool ingress_default_deny = false;
  bool operator==(const Namespace&) const = default;
};

// core/v1 Node, as peers of cluster-wide policies know it. A node that only pods name
// (Endpoint::node) has no labels and their node_addresses.
struct Node {
  std::string name;
  Labels labels;
  std::vector<IpAddress> addresses;  // status.addresses of type InternalIP and ExternalIP
  bool operator==(const Node&) const = default;
};

struct NamedPort {
  std::string name;
  std::string protocol;  // "TCP", "UDP", "SCTP"; empty means TCP
  uint16_t port = 0;
  bool operator==(const NamedPort&) const = default;
};

// What a pod has on a network beside its primary one (annotation
// k8s.v1.cni.cncf.io/network-status).
struct Attachment {
  std::string network;  // "namespace/name" of the NetworkAttachmentDefinition
  std::vector<IpAddress> addresses;
  bool operator==(const Attachment&) const = default;
};

// A pod or VM as policies know it. A finished pod (phase Succeeded or Failed) and a host-network
// pod are never made into an Endpoint with addresses: the reader drops them (SEMANTICS 11, 13).
struct Endpoint {
  std::string namespace_name;
  std::string name;
  std::string uid;  // may be empty: then namespace and name identify it
  Labels labels;
  std::vector<IpAddress> addresses;  // on the network that is asked about, the primary one as read
  std::vector<Attachment> attachments;  // on others
  std::vector<NamedPort> named_ports;
  std::string node;                       // name of its node; may be empty
  std::vector<IpAddress> node_addresses;  // its node's addresses (status.hostIPs); may be empty
  bool host_network = false;
  bool operator==(const Endpoint&) const = default;
};

struct IpBlock {
  std::string cidr;
  std::vector<std::string> except;
  bool operator==(const IpBlock&) const = default;
};

struct NetworkPolicyPeer {
  std::optional<LabelSelector> pod_selector;
  std::optional<LabelSelector> namespace_selector;
  std::optional<IpBlock> ip_block;
  bool operator==(const NetworkPolicyPeer&) const = default;
};

struct NetworkPolicyPort {
  std::string protocol;                                     // empty means TCP
  std::variant<std::monostate, int64_t, std::string> port;  // absent, number, name
  std::optional<int64_t> end_port;
  bool operator==(const NetworkPolicyPort&) const = default;
};

// One ingress or egress rule; `peers` is `from` or `to`. An empty list matches everything.
struct NetworkPolicyRule {
  std::vector<NetworkPolicyPeer> peers;
  std::vector<NetworkPolicyPort> ports;
  bool operator==(const NetworkPolicyRule&) const = default;
};

// What annotations ask of a policy of any kind.
struct PolicyOptions {
  bool audit = false;   // sluice.io/audit: "true": what it would deny is told, nothing is denied
  bool reject = false;  // sluice.io/deny-action: reject: what it denies is answered
  // sluice.io/own-node: judge: the pods it isolates are closed to their own node too.
  bool judges_own_node = false;
  bool operator==(const PolicyOptions&) const = default;
};

// networking.k8s.io/v1 NetworkPolicy, and extensions/v1beta1.
struct NetworkPolicy {
  std::string namespace_name;
  std::string name;
  PolicyOptions options;
  // extensions/v1beta1 without policyTypes, egress and ipBlock: isolates nothing by itself, has an
  // effect only in a namespace with ingress_default_deny.
  bool legacy = false;
  LabelSelector pod_selector;
  // "Ingress", "Egress". Empty means absent: Ingress always, Egress if there is an egress rule.
  std::vector<std::string> policy_types;
  std::vector<NetworkPolicyRule> ingress;
  std::vector<NetworkPolicyRule> egress;

  bool IsolatesIngress() const;
  bool IsolatesEgress() const;
  bool operator==(const NetworkPolicy&) const = default;
};

// Whether a policy with these policyTypes isolates a direction; `has_egress`: it has an egress
// rule.
bool TypesIsolateIngress(const std::vector<std::string>& policy_types);
bool TypesIsolateEgress(const std::vector<std::string>& policy_types, bool has_egress);

// k8s.cni.cncf.io/v1beta1 and v1beta2 MultiNetworkPolicy: a NetworkPolicy for other networks.
struct MultiNetworkPolicy {
  NetworkPolicy policy;
  std::vector<std::string> networks;  // "namespace/name", from k8s.v1.cni.cncf.io/policy-for
  bool operator==(const MultiNetworkPolicy&) const = default;
};

}  // namespace sluice::acl
