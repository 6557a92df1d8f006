// Validate(ClusterPolicy): what the CRDs of policy.networking.k8s.io ask for.
//
// Paths in errors are those of the kind as its author wrote it: `protocols` of ClusterNetworkPolicy
// are `ports` of the two v1alpha1 kinds, "Accept" is their "Allow".
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "acl/annotations.h"
#include "acl/checks.h"
#include "acl/validate.h"

namespace sluice::acl {
namespace {

constexpr int64_t kMaxPriority = 1000;
constexpr size_t kMaxNames = 25;  // of `networks` and `domainNames`

struct Api {
  size_t max_rules;
  size_t max_peers;  // of a rule; ports too
  const char* ports;
  const char* accept;
  bool has_pass;
  bool has_domain_names;
};

const Api& ApiOf(ClusterPolicyKind kind) {
  static constexpr Api kCluster = {25, 25, "protocols", "Accept", true, true};
  static constexpr Api kAdmin = {100, 100, "ports", "Allow", true, true};
  static constexpr Api kBaseline = {100, 100, "ports", "Allow", false, false};
  switch (kind) {
    case ClusterPolicyKind::kAdminNetworkPolicy:
      return kAdmin;
    case ClusterPolicyKind::kBaselineAdminNetworkPolicy:
      return kBaseline;
    case ClusterPolicyKind::kClusterNetworkPolicy:
      break;
  }
  return kCluster;
}

struct RuleContext {
  const Api& api;
  bool is_egress;
  const ClusterRule& rule;
};

Finding CheckList(const std::string& field, size_t count, size_t most) {
  if (count == 0) return field + ": needs at least one entry";
  return CheckCount(field, count, most);
}

// A CRD list of type set.
Finding CheckDistinct(const std::string& field, const std::vector<std::string>& texts) {
  for (auto it = texts.begin(); it != texts.end(); ++it) {
    if (std::find(texts.begin(), it, *it) == it) continue;
    return fmt::format("{}[{}]: {} is listed twice", field, it - texts.begin(), Quoted(*it));
  }
  return std::nullopt;
}

// A selector of namespaces alone is written without `pods`.
Finding CheckPods(const std::string& field, const PodsPeer& peer) {
  const bool alone = peer.pods == LabelSelector();
  const std::string namespaces = alone ? ".namespaces" : ".pods.namespaceSelector";
  if (auto f = CheckSelector(field + namespaces, peer.namespaces)) return f;
  return CheckSelector(field + ".pods.podSelector", peer.pods);
}

Finding CheckNetworks(const std::string& field, const std::vector<std::string>& cidrs) {
  if (auto f = CheckList(field, cidrs.size(), kMaxNames)) return f;
  for (size_t i = 0; i < cidrs.size(); ++i) {
    if (auto f = CheckCidr(fmt::format("{}[{}]", field, i), cidrs[i])) return f;
  }
  return CheckDistinct(field, cidrs);
}

Finding CheckDomainNames(const std::string& field, const std::vector<std::string>& names) {
  if (auto f = CheckList(field, names.size(), kMaxNames)) return f;
  for (size_t i = 0; i < names.size(); ++i) {
    if (auto f = At(fmt::format("{}[{}]", field, i), CheckDomainName(names[i]))) return f;
  }
  return CheckDistinct(field, names);
}

Finding CheckPeerKind(const RuleContext&, const std::string&, const UnknownKind&) {
  return std::nullopt;
}
Finding CheckPeerKind(const RuleContext&, const std::string& field, const PodsPeer& peer) {
  return CheckPods(field, peer);
}
Finding CheckPeerKind(const RuleContext& in, const std::string& field, const NodesPeer& peer) {
  if (!in.is_egress) return field + ".nodes: is allowed in egress rules only";
  return CheckSelector(field + ".nodes", peer.nodes);
}
Finding CheckPeerKind(const RuleContext& in, const std::string& field, const NetworksPeer& peer) {
  if (!in.is_egress) return field + ".networks: is allowed in egress rules only";
  return CheckNetworks(field + ".networks", peer.cidrs);
}
Finding CheckPeerKind(const RuleContext& in, const std::string& field,
                      const DomainNamesPeer& peer) {
  if (!in.is_egress) return field + ".domainNames: is allowed in egress rules only";
  if (!in.api.has_domain_names) return field + ".domainNames: is not in this kind of policy";
  if (in.rule.action != "Accept") {
    return fmt::format("{}.domainNames: goes with action {} only", field, in.api.accept);
  }
  return CheckDomainNames(field + ".domainNames", peer.names);
}

// What leads to pods alone, or to what we do not know, may be asked for by a port's name.
bool HasNoPortNames(const ClusterPeer& peer) {
  return !std::holds_alternative<PodsPeer>(peer) && !std::holds_alternative<UnknownKind>(peer);
}

Finding CheckPeers(const RuleContext& in, const std::string& field) {
  const std::vector<ClusterPeer>& peers = in.rule.peers;
  if (auto f = CheckList(field, peers.size(), in.api.max_peers)) return f;
  const bool names_ports = std::ranges::any_of(
      in.rule.ports, [](const ClusterPort& p) { return std::holds_alternative<PortName>(p); });
  for (size_t i = 0; i < peers.size(); ++i) {
    const std::string entry = fmt::format("{}[{}]", field, i);
    if (auto f = std::visit([&](const auto& p) { return CheckPeerKind(in, entry, p); }, peers[i])) {
      return f;
    }
    if (names_ports && HasNoPortNames(peers[i])) {
      return entry + ": nodes, networks and domainNames do not go together with a named port";
    }
  }
  return std::nullopt;
}

// The API path of a port number inside its entry.
std::string NumberPath(const Api& api, const PortNumbers& port) {
  const bool single = port.first == port.last;
  if (std::string_view(api.ports) == "ports") return single ? ".portNumber.port" : ".portRange";
  std::string protocol = port.protocol.empty() ? "tcp" : port.protocol;
  std::ranges::transform(protocol, protocol.begin(), [](unsigned char c) { return tolower(c); });
  return fmt::format(".{}.destinationPort.{}", protocol, single ? "number" : "range");
}

Finding CheckPortKind(const Api&, const std::string&, const UnknownKind&) { return std::nullopt; }
Finding CheckPortKind(const Api& api, const std::string& field, const PortNumbers& port) {
  if (auto f = CheckProtocol(field, port.protocol)) return f;
  const bool whole_protocol = port.first == 0 && port.last == 65535;
  if (whole_protocol) return std::nullopt;
  const std::string path = field + NumberPath(api, port);
  if (auto f = CheckPortNumber(path, port.first)) return f;
  if (auto f = CheckPortNumber(path, port.last)) return f;
  if (port.first <= port.last) return std::nullopt;
  return fmt::format("{}: port range {}-{} is empty", path, port.first, port.last);
}
Finding CheckPortKind(const Api& api, const std::string& field, const PortName& port) {
  const bool old = std::string_view(api.ports) == "ports";
  return At(field + (old ? ".namedPort" : ".destinationNamedPort"), CheckPortName(port.name));
}

Finding CheckPorts(const RuleContext& in, const std::string& field) {
  const std::vector<ClusterPort>& ports = in.rule.ports;
  if (auto f = CheckCount(field, ports.size(), in.api.max_peers)) return f;
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string entry = fmt::format("{}[{}]", field, i);
    if (auto f =
            std::visit([&](const auto& p) { return CheckPortKind(in.api, entry, p); }, ports[i])) {
      return f;
    }
  }
  return std::nullopt;
}

Finding CheckAction(const Api& api, const std::string& field, const std::string& action) {
  if (action == "Accept" || action == "Deny") return std::nullopt;
  if (action == "Pass" && api.has_pass) return std::nullopt;
  if (action.empty()) return field + ": is required";
  return fmt::format("{}: {} is not supported: {}", field, Quoted(action),
                     api.has_pass ? fmt::format("{}, Deny or Pass", api.accept)
                                  : fmt::format("{} or Deny", api.accept));
}

Finding CheckRules(const Api& api, bool is_egress, const std::vector<ClusterRule>& rules) {
  const std::string list = is_egress ? "spec.egress" : "spec.ingress";
  if (auto f = CheckCount(list, rules.size(), api.max_rules)) return f;
  for (size_t i = 0; i < rules.size(); ++i) {
    const RuleContext in{api, is_egress, rules[i]};
    const std::string field = fmt::format("{}[{}]", list, i);
    if (auto f = CheckRuleName(field + ".name", rules[i].name)) return f;
    if (auto f = CheckAction(api, field + ".action", rules[i].action)) return f;
    if (auto f = CheckPeers(in, field + (is_egress ? ".to" : ".from"))) return f;
    if (auto f = CheckPorts(in, fmt::format("{}.{}", field, api.ports))) return f;
  }
  return std::nullopt;
}

Finding CheckTier(const ClusterPolicy& policy) {
  const bool known = policy.tier == "Admin" || policy.tier == "Baseline";
  if (policy.tier.empty()) return "spec.tier: is required";
  if (!known) {
    return fmt::format("spec.tier: {} is not supported: Admin or Baseline", Quoted(policy.tier));
  }
  const bool admin = policy.kind == ClusterPolicyKind::kAdminNetworkPolicy;
  const bool baseline = policy.kind == ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  if ((admin && policy.tier != "Admin") || (baseline && policy.tier != "Baseline")) {
    return fmt::format("spec.tier: {} is not the tier of this kind", Quoted(policy.tier));
  }
  return std::nullopt;
}

Finding CheckPlace(const ClusterPolicy& policy) {
  if (auto f = At("metadata.name", CheckDnsSubdomain(policy.name))) return f;
  const bool baseline = policy.kind == ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  if (baseline && policy.name != "default") {
    return fmt::format("metadata.name: {} is not \"default\", the only one of its kind",
                       Quoted(policy.name));
  }
  if (auto f = CheckTier(policy)) return f;
  if (policy.priority < 0 || policy.priority > kMaxPriority) {
    return fmt::format("spec.priority: {} is not between 0 and {}", policy.priority, kMaxPriority);
  }
  if (policy.options.judges_own_node) {
    return fmt::format("{}: is for policies that isolate pods", AnnotationPath(kOwnNodeAnnotation));
  }
  return std::nullopt;
}

Finding Check(const ClusterPolicy& policy) {
  if (auto f = CheckPlace(policy)) return f;
  if (auto f = CheckPods("spec.subject", policy.subject)) return f;
  const Api& api = ApiOf(policy.kind);
  if (auto f = CheckRules(api, false, policy.ingress)) return f;
  return CheckRules(api, true, policy.egress);
}

}  // namespace

absl::Status Validate(const ClusterPolicy& policy) {
  return ToStatus(fmt::format("{} {}", KindName(policy.kind), Shown(policy.name)), Check(policy));
}

}  // namespace sluice::acl
