#include "perf/policy/naive.h"

#include <algorithm>

namespace sluice::perf {
namespace {

bool Has(const acl::Labels& labels, const acl::LabelSelector& selector) {
  return std::all_of(selector.match_labels.begin(), selector.match_labels.end(),
                     [&](const auto& wanted) {
                       const auto it = labels.find(wanted.first);
                       return it != labels.end() && it->second == wanted.second;
                     });
}

class Expansion {
 public:
  explicit Expansion(const acl::PolicyInput& input) : input_(input) {
    for (const acl::Namespace& ns : input.namespaces) namespaces_[ns.name] = ns.labels;
  }

  std::vector<PairRule> Run() {
    for (const acl::NetworkPolicy& policy : input_.policies) {
      for (const acl::Endpoint& pod : input_.endpoints) {
        if (pod.namespace_name != policy.namespace_name ||
            !input_.local.contains({pod.namespace_name, pod.name}) ||
            !Has(pod.labels, policy.pod_selector)) {
          continue;
        }
        for (const acl::NetworkPolicyRule& rule : policy.ingress) Add(policy, pod, rule, true);
        for (const acl::NetworkPolicyRule& rule : policy.egress) Add(policy, pod, rule, false);
      }
    }
    return std::move(rules_);
  }

 private:
  void Add(const acl::NetworkPolicy& policy, const acl::Endpoint& pod,
           const acl::NetworkPolicyRule& rule, bool ingress) {
    for (const acl::NetworkPolicyPeer& peer : rule.peers) {
      if (peer.ip_block) {
        Add(pod, *acl::Cidr::Parse(peer.ip_block->cidr), rule, ingress);
        continue;
      }
      for (const acl::Endpoint& other : input_.endpoints) {
        if (!Selects(policy, peer, other)) continue;
        const acl::IpAddress& address = other.addresses[0];
        Add(pod, acl::Cidr{address, static_cast<uint8_t>(address.bits())}, rule, ingress);
      }
    }
  }

  bool Selects(const acl::NetworkPolicy& policy, const acl::NetworkPolicyPeer& peer,
               const acl::Endpoint& pod) const {
    if (peer.pod_selector && !Has(pod.labels, *peer.pod_selector)) return false;
    if (!peer.namespace_selector) return pod.namespace_name == policy.namespace_name;
    return Has(namespaces_.at(pod.namespace_name), *peer.namespace_selector);
  }

  void Add(const acl::Endpoint& pod, const acl::Cidr& peer, const acl::NetworkPolicyRule& rule,
           bool ingress) {
    for (const acl::NetworkPolicyPort& port : rule.ports) {
      const auto first = static_cast<uint16_t>(std::get<int64_t>(port.port));
      rules_.push_back({.subject = pod.addresses[0],
                        .peer = peer,
                        .ingress = ingress,
                        .protocol = acl::ProtocolNumber(port.protocol),
                        .port_first = first,
                        .port_last = static_cast<uint16_t>(port.end_port.value_or(first))});
    }
  }

  const acl::PolicyInput& input_;
  std::map<std::string, acl::Labels> namespaces_;
  std::vector<PairRule> rules_;
};

}  // namespace

std::vector<PairRule> ExpandByPod(const acl::PolicyInput& input) { return Expansion(input).Run(); }

int64_t FindFirst(const std::vector<PairRule>& rules, const acl::IpAddress& subject,
                  const acl::IpAddress& peer, bool ingress, uint8_t protocol, uint16_t port) {
  for (size_t i = 0; i < rules.size(); ++i) {
    const PairRule& rule = rules[i];
    if (rule.subject == subject && rule.ingress == ingress && rule.protocol == protocol &&
        rule.port_first <= port && port <= rule.port_last && rule.peer.Contains(peer)) {
      return static_cast<int64_t>(i);
    }
  }
  return -1;
}

}  // namespace sluice::perf
