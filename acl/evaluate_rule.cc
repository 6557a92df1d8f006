#include "acl/evaluate_rule.h"

#include <algorithm>

#include "acl/evaluate_text.h"

namespace sluice::acl {
namespace {

// -1 for a text that is no protocol with ports: no packet has it.
int NumberOf(const std::string& protocol) {
  if (protocol.empty() || protocol == "TCP") return 6;
  if (protocol == "UDP") return 17;
  return protocol == "SCTP" ? 132 : -1;
}

// The attempt goes to the destination pod's port of this name. Of several with one name and
// protocol the first counts.
bool IsNamedPort(const RawAttempt& attempt, const std::string& name) {
  if (attempt.destination == nullptr) return false;
  for (const NamedPort& port : attempt.destination->named_ports) {
    if (port.name == name && NumberOf(port.protocol) == attempt.protocol) {
      return port.port == attempt.port;
    }
  }
  return false;
}

bool PortMatches(const NetworkPolicyPort& port, const RawAttempt& attempt) {
  if (NumberOf(port.protocol) != attempt.protocol) return false;
  if (const auto* name = std::get_if<std::string>(&port.port)) return IsNamedPort(attempt, *name);
  if (const auto* first = std::get_if<int64_t>(&port.port)) {
    return *first <= attempt.port && attempt.port <= port.end_port.value_or(*first);
  }
  return true;
}

bool InBlock(const IpBlock& block, const IpAddress& address) {
  return IsInside(block.cidr, address) &&
         std::none_of(block.except.begin(), block.except.end(),
                      [&](const std::string& except) { return IsInside(except, address); });
}

bool PeerMatches(const RawWorld& world, const NetworkPolicy& policy, const NetworkPolicyPeer& peer,
                 const RawAttempt& attempt) {
  if (peer.ip_block) return InBlock(*peer.ip_block, attempt.peer);
  const Endpoint* pod = attempt.peer_pod;
  if (pod == nullptr) return false;
  const bool namespace_matches =
      peer.namespace_selector
          ? world.SelectsNamespace(*peer.namespace_selector, pod->namespace_name)
          : pod->namespace_name == policy.namespace_name;
  return namespace_matches && (!peer.pod_selector || Selects(*peer.pod_selector, pod->labels));
}

// What one peer of a cluster-wide rule says of an address.
class PeerQuestion {
 public:
  PeerQuestion(const RawWorld& world, const RawAttempt& attempt)
      : world_(world), attempt_(attempt) {}

  bool operator()(const UnknownKind&) const { return false; }
  bool operator()(const DomainNamesPeer&) const { return false; }
  bool operator()(const PodsPeer& peer) const {
    const Endpoint* pod = attempt_.peer_pod;
    return pod != nullptr && Selects(peer.pods, pod->labels) &&
           world_.SelectsNamespace(peer.namespaces, pod->namespace_name);
  }
  bool operator()(const NodesPeer& peer) const { return world_.IsNode(attempt_.peer, peer.nodes); }
  bool operator()(const NetworksPeer& peer) const {
    return std::any_of(peer.cidrs.begin(), peer.cidrs.end(),
                       [this](const std::string& cidr) { return IsInside(cidr, attempt_.peer); });
  }

 private:
  const RawWorld& world_;
  const RawAttempt& attempt_;
};

// What one entry of a cluster-wide rule's `protocols` or `ports` says of an attempt.
class PortQuestion {
 public:
  explicit PortQuestion(const RawAttempt& attempt) : attempt_(attempt) {}

  bool operator()(const UnknownKind&) const { return false; }
  bool operator()(const PortName& port) const { return IsNamedPort(attempt_, port.name); }
  bool operator()(const PortNumbers& port) const {
    return NumberOf(port.protocol) == attempt_.protocol && port.first <= attempt_.port &&
           attempt_.port <= port.last;
  }

 private:
  const RawAttempt& attempt_;
};

template <typename Kinds>
bool HasUnknownKind(const Kinds& kinds) {
  return std::any_of(kinds.begin(), kinds.end(),
                     [](const auto& kind) { return std::holds_alternative<UnknownKind>(kind); });
}

bool AnyPeerMatches(const RawWorld& world, const ClusterRule& rule, const RawAttempt& attempt) {
  return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const ClusterPeer& peer) {
    return std::visit(PeerQuestion(world, attempt), peer);
  });
}

bool PortsMatch(const ClusterRule& rule, const RawAttempt& attempt) {
  return rule.ports.empty() ||
         std::any_of(rule.ports.begin(), rule.ports.end(), [&attempt](const ClusterPort& port) {
           return std::visit(PortQuestion(attempt), port);
         });
}

}  // namespace

bool Admits(const RawWorld& world, const NetworkPolicy& policy, const NetworkPolicyRule& rule,
            const RawAttempt& attempt) {
  if (attempt.peer_unknown) return false;
  const bool ports_match = rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(),
                                                             [&](const NetworkPolicyPort& port) {
                                                               return PortMatches(port, attempt);
                                                             });
  if (!ports_match || rule.peers.empty()) return ports_match;
  return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const NetworkPolicyPeer& peer) {
    return PeerMatches(world, policy, peer, attempt);
  });
}

RuleEffect EffectOf(const RawWorld& world, const ClusterRule& rule, const RawAttempt& attempt) {
  const bool accept = rule.action == "Accept";
  // "For Accept rules, fail closed means: treat the rule as matching no traffic. For Deny and Pass
  // rules: treat the rule as a 'Deny all' rule." (ClusterNetworkPolicyEgressPeer)
  if (HasUnknownKind(rule.peers) || HasUnknownKind(rule.ports)) {
    return accept ? RuleEffect::kNone : RuleEffect::kDeny;
  }
  if (!PortsMatch(rule, attempt)) return RuleEffect::kNone;
  if (attempt.peer_unknown) {
    return rule.action == "Deny" ? RuleEffect::kDeny : RuleEffect::kNone;
  }
  if (!AnyPeerMatches(world, rule, attempt)) return RuleEffect::kNone;
  if (accept) return RuleEffect::kAccept;
  return rule.action == "Pass" ? RuleEffect::kPass : RuleEffect::kDeny;
}

}  // namespace sluice::acl
