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

bool PeerMatches(const RawWorld& world, const std::string& own_namespace,
                 const NetworkPolicyPeer& peer, const RawAttempt& attempt) {
  if (peer.ip_block) return InBlock(*peer.ip_block, attempt.peer);
  const Endpoint* pod = attempt.peer_pod;
  if (pod == nullptr) return false;
  const bool namespace_matches =
      peer.namespace_selector
          ? world.SelectsNamespace(*peer.namespace_selector, pod->namespace_name)
          : pod->namespace_name == own_namespace;
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

bool IsAbout(const RawWorld& world, const std::string& own_namespace, const NetworkPolicyRule& rule,
             const RawAttempt& attempt) {
  const bool ports_match = rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(),
                                                             [&](const NetworkPolicyPort& port) {
                                                               return PortMatches(port, attempt);
                                                             });
  if (!ports_match || rule.peers.empty()) return ports_match;
  return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const NetworkPolicyPeer& peer) {
    return PeerMatches(world, own_namespace, peer, attempt);
  });
}

// "example.org" itself; "*.example.org": what ends in ".example.org" and has something before it.
bool IsNamed(const std::string& pattern, const std::string& name) {
  if (name.empty() || pattern.empty() || pattern[0] != '*') return !name.empty() && pattern == name;
  const std::string rest = pattern.substr(1);
  return name.length() > rest.length() &&
         name.compare(name.length() - rest.length(), rest.length(), rest) == 0;
}

bool IsNamed(const std::vector<std::string>& patterns, const std::string& name) {
  for (const std::string& pattern : patterns) {
    if (IsNamed(pattern, name)) return true;
  }
  return false;
}

bool IsPath(const std::string& pattern, const std::string& path) {
  if (pattern.back() != '*') return path == pattern;
  return path.compare(0, pattern.length() - 1, pattern, 0, pattern.length() - 1) == 0;
}

}  // namespace

bool AsksForContent(const SluiceRule& rule) {
  return rule.content.tls || rule.content.dns || !rule.content.http.empty();
}

bool Admits(const RawWorld& world, const NetworkPolicy& policy, const NetworkPolicyRule& rule,
            const RawAttempt& attempt) {
  return !attempt.peer_unknown && IsAbout(world, policy.namespace_name, rule, attempt);
}

bool IsAbout(const RawWorld& world, const SluicePolicy& policy, const SluiceRule& rule,
             const RawAttempt& attempt) {
  const bool denies = rule.action == "deny";
  // TLS and HTTP are looked for in TCP, DNS is in UDP.
  const int asked = NumberOf(rule.content.dns ? "UDP" : "TCP");
  if (AsksForContent(rule) && attempt.protocol != asked) return false;
  if (!attempt.peer_unknown) return IsAbout(world, policy.namespace_name, rule.match, attempt);
  // Nothing is allowed on the strength of an unknown address, and every deny is about it.
  NetworkPolicyRule anybody{.peers = {}, .ports = rule.match.ports};
  return denies && IsAbout(world, policy.namespace_name, anybody, attempt);
}

bool HasContent(const SluiceRule& rule, const StreamFacts& facts) {
  if (!AsksForContent(rule)) return true;
  if (facts.kind == StreamFacts::Kind::kTls && rule.content.tls) {
    return IsNamed(rule.content.tls->server_names, std::string(facts.server_name));
  }
  if (facts.kind == StreamFacts::Kind::kDns && rule.content.dns) {
    return IsNamed(rule.content.dns->names, std::string(facts.question));
  }
  if (facts.kind != StreamFacts::Kind::kHttp) return false;
  for (const HttpMatch& one : rule.content.http) {
    const bool method = one.method.empty() || one.method == facts.method;
    const bool host = one.host.empty() || IsNamed(one.host, std::string(facts.host));
    const bool path = one.path.empty() || IsPath(one.path, std::string(facts.path));
    if (method && host && path) return true;
  }
  return false;
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
