#include "acl/predicates.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::acl {
namespace {

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

PodPredicate PodsWithin(const std::string& namespace_name, const LabelSelector& pods) {
  return {.scope = PodPredicate::Scope::kOneNamespace,
          .namespace_name = namespace_name,
          .pods = Normalize(pods)};
}

std::string Text(const PortFact& fact) {
  return fmt::format("pods with port {} = {}/{}", fact.name, ProtocolName(fact.protocol),
                     fact.number);
}

std::string Text(const Cidr& cidr) { return cidr.ToString(); }

std::string Text(const NodePredicate& nodes) {
  return nodes.nodes.empty() ? "all nodes" : "nodes with " + ToString(nodes.nodes);
}

}  // namespace

std::string ToString(const Predicate& predicate) {
  return std::visit([](const auto& value) { return Text(value); }, predicate);
}

PodPredicate SubjectOf(const NetworkPolicy& policy) {
  return PodsWithin(policy.namespace_name, policy.pod_selector);
}

PodPredicate SubjectOf(const SluicePolicy& policy) {
  return PodsWithin(policy.namespace_name, policy.pod_selector);
}

PodPredicate PodsAcross(const LabelSelector& namespaces, const LabelSelector& pods) {
  PodPredicate result{.namespaces = Normalize(namespaces), .pods = Normalize(pods)};
  if (!result.pods.empty()) {
    result.scope = PodPredicate::Scope::kAcross;
  } else if (!result.namespaces.empty()) {
    result.scope = PodPredicate::Scope::kWholeNamespaces;
  }
  return result;
}

PodPredicate PeerOf(const std::string& namespace_name, const NetworkPolicyPeer& peer) {
  const LabelSelector pods = peer.pod_selector.value_or(LabelSelector{});
  if (peer.namespace_selector) return PodsAcross(*peer.namespace_selector, pods);
  return {.scope = PodPredicate::Scope::kOneNamespace,
          .namespace_name = namespace_name,
          .pods = Normalize(pods)};
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

}  // namespace sluice::acl
