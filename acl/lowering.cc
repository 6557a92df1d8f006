#include "acl/lowering.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace sluice::acl {
namespace {

constexpr int64_t kBehindEveryPriority = 1001;

unsigned Index(Direction direction) { return static_cast<unsigned>(direction); }

// `ranges` sorted, with those of one protocol that overlap or touch made one.
std::vector<PortRange> Merged(std::vector<PortRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<PortRange> merged;
  for (const PortRange& next : ranges) {
    if (!merged.empty() && merged.back().protocol == next.protocol &&
        next.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, next.last);
    } else {
      merged.push_back(next);
    }
  }
  return merged;
}

LoweredPeer LowerPeer(const std::string& namespace_name, const NetworkPolicyPeer& peer) {
  if (!peer.ip_block) return PeerOf(namespace_name, peer);
  AddressBlock block{.cidr = *Cidr::Parse(peer.ip_block->cidr), .except = {}};
  for (const std::string& except : peer.ip_block->except) {
    block.except.push_back(*Cidr::Parse(except));
  }
  return block;
}

void LowerPort(const NetworkPolicyPort& port, LoweredRule& rule) {
  const uint8_t protocol = ProtocolNumber(port.protocol);
  if (const std::string* name = std::get_if<std::string>(&port.port)) {
    rule.named_ports.push_back({*name, protocol});
  } else if (const int64_t* first = std::get_if<int64_t>(&port.port)) {
    rule.ports.push_back({protocol, static_cast<uint16_t>(*first),
                          static_cast<uint16_t>(port.end_port.value_or(*first))});
  } else {
    rule.ports.push_back({.protocol = protocol});
  }
}

LoweredRule LowerRule(const std::string& namespace_name, const NetworkPolicyRule& rule,
                      std::string name) {
  LoweredRule lowered{.name = std::move(name)};
  if (!rule.peers.empty()) lowered.peers.emplace();
  for (const NetworkPolicyPeer& peer : rule.peers) {
    lowered.peers->push_back(LowerPeer(namespace_name, peer));
  }
  if (rule.ports.empty()) lowered.ports = {PortRange{}};
  for (const NetworkPolicyPort& port : rule.ports) LowerPort(port, lowered);
  lowered.ports = Merged(std::move(lowered.ports));
  return lowered;
}

LoweredRule LowerRule(const std::string& namespace_name, const SluiceRule& rule, std::string name) {
  LoweredRule lowered = LowerRule(namespace_name, rule.match, std::move(name));
  lowered.action = rule.action == "deny" ? Action::kDeny : Action::kAllow;
  lowered.content = rule.content;
  lowered.log = rule.log;
  const bool one_protocol = rule.content.IsConditional() && rule.match.ports.empty();
  if (one_protocol) lowered.ports = {PortRange{.protocol = rule.content.Protocol()}};
  return lowered;
}

// One rule of a SluicePolicy: where it stands among all of them, and what it says.
struct OrderedRule {
  int64_t order;
  const SluicePolicy* policy;
  Direction direction;
  size_t place;

  const SluiceRule& rule() const {
    return (direction == Direction::kIngress ? policy->ingress : policy->egress)[place];
  }
  auto key() const {
    return std::tie(order, policy->namespace_name, policy->name, direction, place);
  }
};

std::string NameOf(const SluicePolicy& policy) {
  return fmt::format("SluicePolicy {}/{}", policy.namespace_name, policy.name);
}

bool Isolates(const SluicePolicy& policy, Direction direction) {
  return direction == Direction::kIngress ? policy.IsolatesIngress() : policy.IsolatesEgress();
}

LoweredPolicy LowerOne(const OrderedRule& one) {
  LoweredPolicy lowered{.name = NameOf(*one.policy),
                        .subject = SubjectOf(*one.policy),
                        .options = one.policy->options};
  const SluiceRule& rule = one.rule();
  const std::string place = fmt::format("{}[{}]", DirectionName(one.direction), one.place);
  lowered.rules[Index(one.direction)].push_back(
      LowerRule(one.policy->namespace_name, rule, rule.name.empty() ? place : rule.name));
  return lowered;
}

void LowerRules(const std::vector<SluicePolicy>& policies, std::vector<LoweredPolicy>& lowered) {
  std::vector<OrderedRule> rules;
  for (const SluicePolicy& policy : policies) {
    for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
      if (!Isolates(policy, direction)) continue;
      const auto& of = direction == Direction::kIngress ? policy.ingress : policy.egress;
      for (size_t i = 0; i < of.size(); ++i) rules.push_back({of[i].order, &policy, direction, i});
    }
  }
  std::ranges::sort(rules, {}, &OrderedRule::key);
  for (const OrderedRule& rule : rules) lowered.push_back(LowerOne(rule));
}

// What a SluicePolicy does beside its rules.
LoweredPolicy LowerIsolation(const SluicePolicy& policy) {
  LoweredPolicy lowered{
      .name = NameOf(policy), .subject = SubjectOf(policy), .options = policy.options};
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    lowered.isolates[Index(direction)] = Isolates(policy, direction);
  }
  return lowered;
}

LoweredPolicy LowerPolicy(const char* kind, const NetworkPolicy& policy, bool isolates) {
  LoweredPolicy lowered{
      .name = fmt::format("{} {}/{}", kind, policy.namespace_name, policy.name),
      .subject = SubjectOf(policy),
      .options = policy.options,
  };
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    const bool ingress = direction == Direction::kIngress;
    if (!(ingress ? policy.IsolatesIngress() : policy.IsolatesEgress())) continue;
    lowered.isolates[Index(direction)] = isolates;
    for (const NetworkPolicyRule& rule : ingress ? policy.ingress : policy.egress) {
      std::vector<LoweredRule>& rules = lowered.rules[Index(direction)];
      rules.push_back(LowerRule(policy.namespace_name, rule,
                                fmt::format("{}[{}]", DirectionName(direction), rules.size())));
    }
  }
  return lowered;
}

LoweredPolicy LowerAnnotation(const std::string& namespace_name) {
  LoweredPolicy lowered{.name = "Namespace " + namespace_name};
  lowered.subject = {.scope = PodPredicate::Scope::kOneNamespace, .namespace_name = namespace_name};
  lowered.isolates[Index(Direction::kIngress)] = true;
  return lowered;
}

// What one peer of a cluster-wide policy adds to `peers`. An unknown kind is the caller's.
void LowerPeer(const ClusterPeer& peer, std::vector<LoweredPeer>& peers) {
  if (const auto* pods = std::get_if<PodsPeer>(&peer)) {
    peers.push_back(PodsAcross(pods->namespaces, pods->pods));
  } else if (const auto* nodes = std::get_if<NodesPeer>(&peer)) {
    peers.push_back(NodePredicate{Normalize(nodes->nodes)});
  } else if (const auto* networks = std::get_if<NetworksPeer>(&peer)) {
    for (const std::string& cidr : networks->cidrs) {
      peers.push_back(AddressBlock{.cidr = *Cidr::Parse(cidr), .except = {}});
    }
  }
}

bool FailsClosed(const ClusterRule& rule) {
  const auto unknown = [](const auto& part) { return std::holds_alternative<UnknownKind>(part); };
  return std::any_of(rule.peers.begin(), rule.peers.end(), unknown) ||
         std::any_of(rule.ports.begin(), rule.ports.end(), unknown);
}

LoweredRule LowerRule(const ClusterRule& rule, std::string name) {
  LoweredRule lowered{.name = std::move(name), .peers = std::vector<LoweredPeer>{}};
  const bool accepts = rule.action == "Accept";
  lowered.action = accepts ? Action::kAllow : rule.action == "Pass" ? Action::kPass : Action::kDeny;
  if (FailsClosed(rule)) {
    if (accepts) return lowered;
    return {.action = Action::kDeny, .name = lowered.name, .ports = {PortRange{}}};
  }
  for (const ClusterPeer& peer : rule.peers) LowerPeer(peer, *lowered.peers);
  if (rule.ports.empty()) lowered.ports = {PortRange{}};
  for (const ClusterPort& port : rule.ports) {
    if (const auto* numbers = std::get_if<PortNumbers>(&port)) {
      lowered.ports.push_back({ProtocolNumber(numbers->protocol),
                               static_cast<uint16_t>(numbers->first),
                               static_cast<uint16_t>(numbers->last)});
    } else if (const auto* named = std::get_if<PortName>(&port)) {
      lowered.named_ports.push_back({.name = named->name});
    }
  }
  lowered.ports = Merged(std::move(lowered.ports));
  return lowered;
}

LoweredPolicy LowerPolicy(const ClusterPolicy& policy) {
  LoweredPolicy lowered{
      .name = fmt::format("{} {}", KindName(policy.kind), policy.name),
      .tier = policy.tier == "Baseline" ? Tier::kBaseline : Tier::kAdmin,
      .subject = PodsAcross(policy.subject.namespaces, policy.subject.pods),
      .options = policy.options,
  };
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    std::vector<LoweredRule>& rules = lowered.rules[Index(direction)];
    for (const ClusterRule& rule :
         direction == Direction::kIngress ? policy.ingress : policy.egress) {
      const std::string place = fmt::format("{}[{}]", DirectionName(direction), rules.size());
      rules.push_back(LowerRule(rule, rule.name.empty() ? place : rule.name));
    }
  }
  return lowered;
}

int64_t PriorityOf(const ClusterPolicy& policy) {
  const bool baseline = policy.kind == ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  return baseline ? kBehindEveryPriority : policy.priority;
}

// A policy of the NetworkPolicy tier, before it is lowered.
struct Namespaced {
  const NetworkPolicy* policy;
  const char* kind;
  bool isolates;
};

std::vector<Namespaced> NamespacedPolicies(const PolicyInput& input,
                                           const std::set<std::string>& annotated) {
  const bool annotation = input.legacy_policy == LegacyPolicy::kAnnotation;
  std::vector<Namespaced> policies;
  for (const NetworkPolicy& policy : input.policies) {
    const bool legacy = policy.legacy && annotation;
    if (legacy && !annotated.contains(policy.namespace_name)) continue;  // without any effect
    policies.push_back({&policy, "NetworkPolicy", !legacy});
  }
  for (const MultiNetworkPolicy& multi : input.multi_policies) {
    policies.push_back({&multi.policy, "MultiNetworkPolicy", true});
  }
  std::stable_sort(policies.begin(), policies.end(), [](const Namespaced& a, const Namespaced& b) {
    return std::tie(a.policy->namespace_name, a.policy->name) <
           std::tie(b.policy->namespace_name, b.policy->name);
  });
  return policies;
}

std::set<std::string> AnnotatedNamespaces(const PolicyInput& input) {
  std::set<std::string> annotated;
  if (input.legacy_policy != LegacyPolicy::kAnnotation) return annotated;
  for (const Namespace& ns : input.namespaces) {
    if (ns.ingress_default_deny) annotated.insert(ns.name);
  }
  return annotated;
}

}  // namespace

const char* DirectionName(Direction direction) {
  return direction == Direction::kIngress ? "ingress" : "egress";
}

std::vector<LoweredPolicy> Lower(const PolicyInput& input) {
  std::vector<LoweredPolicy> lowered;
  std::vector<const ClusterPolicy*> cluster;
  for (const ClusterPolicy& policy : input.cluster_policies) cluster.push_back(&policy);
  std::sort(cluster.begin(), cluster.end(), [](const ClusterPolicy* a, const ClusterPolicy* b) {
    return std::forward_as_tuple(PriorityOf(*a), a->name, a->kind) <
           std::forward_as_tuple(PriorityOf(*b), b->name, b->kind);
  });
  for (const ClusterPolicy* policy : cluster) lowered.push_back(LowerPolicy(*policy));
  LowerRules(input.sluice_policies, lowered);
  std::vector<const SluicePolicy*> sluice;
  for (const SluicePolicy& policy : input.sluice_policies) sluice.push_back(&policy);
  std::ranges::sort(sluice, {}, [](const SluicePolicy* policy) {
    return std::tie(policy->namespace_name, policy->name);
  });
  for (const SluicePolicy* policy : sluice) lowered.push_back(LowerIsolation(*policy));
  const std::set<std::string> annotated = AnnotatedNamespaces(input);
  for (const std::string& ns : annotated) lowered.push_back(LowerAnnotation(ns));
  for (const Namespaced& policy : NamespacedPolicies(input, annotated)) {
    lowered.push_back(LowerPolicy(policy.kind, *policy.policy, policy.isolates));
  }
  return lowered;
}

}  // namespace sluice::acl
