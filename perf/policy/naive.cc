#include "perf/policy/naive.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace sluice::perf {
namespace {

bool Has(const acl::Labels& labels, const acl::LabelSelector& selector) {
  return std::all_of(selector.match_labels.begin(), selector.match_labels.end(),
                     [&](const auto& wanted) {
                       const auto it = labels.find(wanted.first);
                       return it != labels.end() && it->second == wanted.second;
                     });
}

acl::Cidr Alone(const acl::Endpoint& pod) {
  return {pod.addresses[0], static_cast<uint8_t>(pod.addresses[0].bits())};
}

template <typename Object>
auto Named(const std::string& namespace_name, const std::string& name) {
  return [&](const Object& object) {
    return object.namespace_name == namespace_name && object.name == name;
  };
}

void Append(std::vector<PairRule> more, std::vector<PairRule>& rules) {
  rules.insert(rules.end(), more.begin(), more.end());
}

class Expansion {
 public:
  explicit Expansion(const acl::PolicyInput& input) : input_(input) {
    for (const acl::Namespace& ns : input.namespaces) namespaces_[ns.name] = ns.labels;
  }

  std::vector<PairRule> Run() {
    for (const acl::NetworkPolicy& policy : input_.policies) AddAll(policy);
    return std::move(rules_);
  }
  std::vector<PairRule> RunFor(const acl::NetworkPolicy& policy) {
    AddAll(policy);
    return std::move(rules_);
  }
  // Those that have `pod` as subject or peer.
  std::vector<PairRule> RunFor(const acl::Endpoint& pod) {
    only_ = &pod;
    return Run();
  }

 private:
  void AddAll(const acl::NetworkPolicy& policy) {
    policy_ = static_cast<uint32_t>(&policy - input_.policies.data());
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

  void Add(const acl::NetworkPolicy& policy, const acl::Endpoint& pod,
           const acl::NetworkPolicyRule& rule, bool ingress) {
    for (const acl::NetworkPolicyPeer& peer : rule.peers) {
      const bool all = only_ == nullptr || &pod == only_;
      if (peer.ip_block) {
        if (all) Add(pod, *acl::Cidr::Parse(peer.ip_block->cidr), rule, ingress);
      } else if (!all) {
        AddPeer(policy, peer, pod, *only_, rule, ingress);
      } else {
        for (const acl::Endpoint& other : input_.endpoints) {
          AddPeer(policy, peer, pod, other, rule, ingress);
        }
      }
    }
  }

  void AddPeer(const acl::NetworkPolicy& policy, const acl::NetworkPolicyPeer& peer,
               const acl::Endpoint& pod, const acl::Endpoint& other,
               const acl::NetworkPolicyRule& rule, bool ingress) {
    if (!Selects(policy, peer, other)) return;
    Add(pod, Alone(other), rule, ingress);
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
                        .port_last = static_cast<uint16_t>(port.end_port.value_or(first)),
                        .policy = policy_});
    }
  }

  const acl::PolicyInput& input_;
  std::map<std::string, acl::Labels> namespaces_;
  const acl::Endpoint* only_ = nullptr;  // null: all pods
  uint32_t policy_ = 0;
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

NaiveTwin::NaiveTwin(acl::PolicyInput input) : input_(std::move(input)) {
  rules_ = ExpandByPod(input_);
}

void NaiveTwin::DropRulesOf(const acl::Endpoint& pod) {
  std::erase_if(rules_, [&, address = Alone(pod)](const PairRule& rule) {
    return rule.subject == address.base || rule.peer == address;
  });
}

size_t NaiveTwin::PlaceOf(const std::string& namespace_name, const std::string& name) const {
  const auto found = std::find_if(input_.endpoints.begin(), input_.endpoints.end(),
                                  Named<acl::Endpoint>(namespace_name, name));
  return static_cast<size_t>(std::distance(input_.endpoints.begin(), found));
}

void NaiveTwin::Put(const acl::Endpoint& pod) {
  const size_t place = PlaceOf(pod.namespace_name, pod.name);
  if (place == input_.endpoints.size()) {
    input_.endpoints.push_back(pod);
  } else {
    DropRulesOf(std::as_const(input_.endpoints)[place]);
    input_.endpoints[place] = pod;
  }
  Append(Expansion(input_).RunFor(std::as_const(input_.endpoints)[place]), rules_);
}

void NaiveTwin::DeletePod(const std::string& namespace_name, const std::string& name) {
  const size_t place = PlaceOf(namespace_name, name);
  DropRulesOf(std::as_const(input_.endpoints)[place]);
  input_.endpoints.erase(input_.endpoints.begin() + static_cast<std::ptrdiff_t>(place));
}

void NaiveTwin::Put(const acl::NetworkPolicy& policy) {
  DeletePolicy(policy.namespace_name, policy.name);
  input_.policies.push_back(policy);
  Append(Expansion(input_).RunFor(input_.policies.back()), rules_);
}

void NaiveTwin::DeletePolicy(const std::string& namespace_name, const std::string& name) {
  const auto found = std::find_if(input_.policies.begin(), input_.policies.end(),
                                  Named<acl::NetworkPolicy>(namespace_name, name));
  if (found == input_.policies.end()) return;
  const auto place = static_cast<uint32_t>(found - input_.policies.begin());
  std::erase_if(rules_, [&](const PairRule& rule) { return rule.policy == place; });
  *found = {};
}

}  // namespace sluice::perf
