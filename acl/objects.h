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
  bool operator==(const Namespace&) const = default;
};

struct NamedPort {
  std::string name;
  std::string protocol;  // "TCP", "UDP", "SCTP"; empty means TCP
  uint16_t port = 0;
  bool operator==(const NamedPort&) const = default;
};

// A pod or VM as policies know it. A finished pod (phase Succeeded or Failed) and a host-network
// pod are never made into an Endpoint with addresses: the reader drops them (SEMANTICS 11, 13).
struct Endpoint {
  std::string namespace_name;
  std::string name;
  std::string uid;  // may be empty: then namespace and name identify it
  Labels labels;
  std::vector<IpAddress> addresses;
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

// networking.k8s.io/v1 NetworkPolicy.
struct NetworkPolicy {
  std::string namespace_name;
  std::string name;
  LabelSelector pod_selector;
  // "Ingress", "Egress". Empty means absent: Ingress always, Egress if there is an egress rule.
  std::vector<std::string> policy_types;
  std::vector<NetworkPolicyRule> ingress;
  std::vector<NetworkPolicyRule> egress;

  bool IsolatesIngress() const;
  bool IsolatesEgress() const;
  bool operator==(const NetworkPolicy&) const = default;
};

}  // namespace sluice::acl
