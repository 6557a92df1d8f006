#include "acl/predicates.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::acl {
namespace {

using PortName = std::pair<std::string, uint8_t>;

const char* ProtocolName(uint8_t protocol) {
  return protocol == 6 ? "TCP" : protocol == 17 ? "UDP" : "SCTP";
}

std::string Text(const PodPredicate& pods) {
  const std::string with = pods.pods.empty() ? "" : " with " + ToString(pods.pods);
  switch (pods.scope) {
    case PodPredicate::Scope::kAllPods:
      return "all pods";
    case PodPredicate::Scope::kOneNamespace:
      return fmt::format("pods of namespace {}{}", pods.namespace_name, with);
    case PodPredicate::Scope::kWholeNamespaces:
    case PodPredicate::Scope::kAcross:
      break;
  }
  if (pods.namespaces.empty()) return fmt::format("pods of all namespaces{}", with);
  return fmt::format("pods of namespaces with {}{}", ToString(pods.namespaces),
                     pods.pods.empty() ? "" : "," + with);
}

std::string Text(const PortFact& fact) {
  return fmt::format("pods with port {} = {}/{}", fact.name, ProtocolName(fact.protocol),
                     fact.number);
}

std::string Text(const Cidr& cidr) { return cidr.ToString(); }

// Gathers what the rules of one policy ask.
class Collector {
 public:
  void Add(const NetworkPolicy& policy) {
    predicates_.insert(SubjectOf(policy));
    for (const NetworkPolicyRule& rule : policy.ingress) Add(policy.namespace_name, rule);
    for (const NetworkPolicyRule& rule : policy.egress) Add(policy.namespace_name, rule);
  }

  void Add(const Endpoint& endpoint) {
    for (PortFact& fact : FactsOf(endpoint)) {
      if (port_names_.count({fact.name, fact.protocol}) != 0) predicates_.insert(std::move(fact));
    }
  }

  std::vector<Predicate> Sorted() && { return {predicates_.begin(), predicates_.end()}; }

 private:
  void Add(const std::string& namespace_name, const NetworkPolicyRule& rule) {
    for (const NetworkPolicyPort& port : rule.ports) {
      const std::string* name = std::get_if<std::string>(&port.port);
      if (name != nullptr) port_names_.insert({*name, ProtocolNumber(port.protocol)});
    }
    for (const NetworkPolicyPeer& peer : rule.peers) {
      if (!peer.ip_block) {
        predicates_.insert(PeerOf(namespace_name, peer));
        continue;
      }
      predicates_.insert(*Cidr::Parse(peer.ip_block->cidr));
      for (const std::string& except : peer.ip_block->except) {
        predicates_.insert(*Cidr::Parse(except));
      }
    }
  }

  std::set<Predicate> predicates_ = {PodPredicate{}};
  std::set<PortName> port_names_;
};

}  // namespace

std::string ToString(const Predicate& predicate) {
  return std::visit([](const auto& value) { return Text(value); }, predicate);
}

PodPredicate SubjectOf(const NetworkPolicy& policy) {
  return {.scope = PodPredicate::Scope::kOneNamespace,
          .namespace_name = policy.namespace_name,
          .pods = Normalize(policy.pod_selector)};
}

PodPredicate PeerOf(const std::string& namespace_name, const NetworkPolicyPeer& peer) {
  PodPredicate result;
  if (peer.pod_selector) result.pods = Normalize(*peer.pod_selector);
  if (!peer.namespace_selector) {
    result.scope = PodPredicate::Scope::kOneNamespace;
    result.namespace_name = namespace_name;
    return result;
  }
  result.namespaces = Normalize(*peer.namespace_selector);
  if (!result.pods.empty()) {
    result.scope = PodPredicate::Scope::kAcross;
  } else if (!result.namespaces.empty()) {
    result.scope = PodPredicate::Scope::kWholeNamespaces;
  }
  return result;
}

std::vector<PortFact> FactsOf(const Endpoint& endpoint) {
  std::vector<PortFact> facts;
  for (const NamedPort& port : endpoint.named_ports) {
    const uint8_t protocol = ProtocolNumber(port.protocol);
    const bool known = std::any_of(facts.begin(), facts.end(), [&](const PortFact& fact) {
      return fact.name == port.name && fact.protocol == protocol;
    });
    if (!known) facts.push_back({port.name, protocol, port.port});
  }
  return facts;
}

PredicateTable::PredicateTable(std::span<const NetworkPolicy* const> policies,
                               std::span<const Endpoint* const> endpoints) {
  Collector collector;
  for (const NetworkPolicy* policy : policies) collector.Add(*policy);
  for (const Endpoint* endpoint : endpoints) collector.Add(*endpoint);
  predicates_ = std::move(collector).Sorted();
}

std::optional<PredicateId> PredicateTable::Find(const Predicate& predicate) const {
  const auto place = std::lower_bound(predicates_.begin(), predicates_.end(), predicate);
  if (place == predicates_.end() || *place != predicate) return std::nullopt;
  return static_cast<PredicateId>(place - predicates_.begin());
}

std::vector<PortFact> PredicateTable::FactsNamed(const std::string& name, uint8_t protocol) const {
  std::vector<PortFact> facts;
  const Predicate first = PortFact{name, protocol, 0};
  for (auto p = std::lower_bound(predicates_.begin(), predicates_.end(), first);
       p != predicates_.end(); ++p) {
    const PortFact* fact = std::get_if<PortFact>(&*p);
    if (fact == nullptr || fact->name != name || fact->protocol != protocol) break;
    facts.push_back(*fact);
  }
  return facts;
}

}  // namespace sluice::acl
