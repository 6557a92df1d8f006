#include "tests/differential/naive_evaluator.h"

#include <algorithm>
#include <tuple>

namespace sluice::naive {
namespace {

using acl::Endpoint;
using acl::Labels;
using acl::LabelSelector;
using acl::NetworkPolicy;
using acl::NetworkPolicyPeer;
using acl::NetworkPolicyPort;
using acl::NetworkPolicyRule;

bool Holds(const acl::Requirement& requirement, const Labels& labels) {
  const auto label = labels.find(requirement.key);
  const bool present = label != labels.end();
  bool listed = false;
  for (const std::string& value : requirement.values) {
    if (present && label->second == value) listed = true;
  }
  if (requirement.op == "In") return listed;
  if (requirement.op == "NotIn") return !listed;
  if (requirement.op == "Exists") return present;
  return !present;
}

bool Selects(const LabelSelector& selector, const Labels& labels) {
  for (const auto& [key, value] : selector.match_labels) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return false;
  }
  for (const acl::Requirement& requirement : selector.match_expressions) {
    if (!Holds(requirement, labels)) return false;
  }
  return true;
}

Labels NamespaceLabels(const World& world, const std::string& name) {
  Labels labels;
  for (const acl::Namespace& ns : world.namespaces) {
    if (ns.name == name) labels = ns.labels;
  }
  labels["kubernetes.io/metadata.name"] = name;
  return labels;
}

// The pod that owns `address`; a host-network pod owns none.
const Endpoint* PodAt(const World& world, const acl::IpAddress& address) {
  for (const Endpoint& pod : world.endpoints) {
    if (pod.host_network) continue;
    for (const acl::IpAddress& own : pod.addresses) {
      if (own == address) return &pod;
    }
  }
  return nullptr;
}

bool IsUnknown(const World& world, const acl::IpAddress& address) {
  if (PodAt(world, address) != nullptr) return false;
  for (const acl::Cidr& cidr : world.cluster_cidrs) {
    if (cidr.Contains(address)) return true;
  }
  return false;
}

bool InBlock(const acl::IpBlock& block, const acl::IpAddress& address) {
  if (!acl::Cidr::Parse(block.cidr)->Contains(address)) return false;
  for (const std::string& except : block.except) {
    if (acl::Cidr::Parse(except)->Contains(address)) return false;
  }
  return true;
}

bool PeerMatches(const World& world, const NetworkPolicy& policy, const NetworkPolicyPeer& peer,
                 const acl::IpAddress& address) {
  if (peer.ip_block) return InBlock(*peer.ip_block, address);
  const Endpoint* pod = PodAt(world, address);
  if (pod == nullptr) return false;
  if (peer.namespace_selector) {
    if (!Selects(*peer.namespace_selector, NamespaceLabels(world, pod->namespace_name))) {
      return false;
    }
  } else if (pod->namespace_name != policy.namespace_name) {
    return false;
  }
  return !peer.pod_selector || Selects(*peer.pod_selector, pod->labels);
}

std::string ProtocolOr(const std::string& protocol) { return protocol.empty() ? "TCP" : protocol; }

// The number of the named port in the destination pod; 0 without one.
int64_t Resolve(const Endpoint* destination, const std::string& name, const std::string& protocol) {
  if (destination == nullptr) return 0;
  for (const acl::NamedPort& port : destination->named_ports) {
    if (port.name == name && ProtocolOr(port.protocol) == protocol) return port.port;
  }
  return 0;
}

bool PortMatches(const NetworkPolicyPort& port, const Endpoint* destination,
                 const Attempt& attempt) {
  if (attempt.protocol != ProtocolOr(port.protocol)) return false;
  if (std::holds_alternative<std::monostate>(port.port)) return true;
  if (const std::string* name = std::get_if<std::string>(&port.port)) {
    const int64_t number = Resolve(destination, *name, attempt.protocol);
    return number != 0 && number == attempt.port;
  }
  const int64_t first = std::get<int64_t>(port.port);
  return first <= attempt.port && attempt.port <= port.end_port.value_or(first);
}

bool RuleMatches(const World& world, const NetworkPolicy& policy, const NetworkPolicyRule& rule,
                 const Attempt& attempt) {
  bool peer_matches = rule.peers.empty();
  for (const NetworkPolicyPeer& peer : rule.peers) {
    if (PeerMatches(world, policy, peer, attempt.peer)) peer_matches = true;
  }
  const Endpoint* destination = attempt.ingress ? attempt.subject : PodAt(world, attempt.peer);
  bool port_matches = rule.ports.empty();
  for (const NetworkPolicyPort& port : rule.ports) {
    if (PortMatches(port, destination, attempt)) port_matches = true;
  }
  return peer_matches && port_matches;
}

bool Governs(const NetworkPolicy& policy, bool ingress) {
  if (policy.policy_types.empty()) return ingress || !policy.egress.empty();
  for (const std::string& type : policy.policy_types) {
    if (type == (ingress ? "Ingress" : "Egress")) return true;
  }
  return false;
}

std::string NameOf(const NetworkPolicy& policy) {
  return policy.namespace_name + "/" + policy.name;
}

std::vector<const NetworkPolicy*> InOrder(std::span<const NetworkPolicy> policies) {
  std::vector<const NetworkPolicy*> order;
  for (const NetworkPolicy& policy : policies) order.push_back(&policy);
  std::sort(order.begin(), order.end(), [](const NetworkPolicy* a, const NetworkPolicy* b) {
    return std::tie(a->namespace_name, a->name) < std::tie(b->namespace_name, b->name);
  });
  return order;
}

}  // namespace

Verdict Evaluate(const World& world, const Attempt& attempt) {
  const bool unknown = IsUnknown(world, attempt.peer);
  Verdict denied{.allow = false, .because = {}};
  for (const NetworkPolicy* policy : InOrder(world.policies)) {
    if (policy->namespace_name != attempt.subject->namespace_name) continue;
    if (!Selects(policy->pod_selector, attempt.subject->labels)) continue;
    if (!Governs(*policy, attempt.ingress)) continue;
    denied.because.push_back(NameOf(*policy));
    const auto& rules = attempt.ingress ? policy->ingress : policy->egress;
    for (size_t i = 0; i < rules.size(); ++i) {
      if (unknown || !RuleMatches(world, *policy, rules[i], attempt)) continue;
      const std::string rule = (attempt.ingress ? "ingress[" : "egress[") + std::to_string(i) + "]";
      return {.allow = true, .because = {NameOf(*policy) + " " + rule}};
    }
  }
  if (denied.because.empty()) return {};
  std::sort(denied.because.begin(), denied.because.end());
  return denied;
}

}  // namespace sluice::naive
