#include "acl/validate.h"

#include <fmt/format.h>

#include <algorithm>

#include "acl/annotations.h"
#include "acl/checks.h"

namespace sluice::acl {
namespace {

Finding CheckIpBlock(const std::string& field, const IpBlock& block) {
  if (block.cidr.empty()) return field + ".cidr: is required";
  const absl::StatusOr<Cidr> cidr = Cidr::Parse(block.cidr);
  if (!cidr.ok()) {
    return fmt::format("{}.cidr: {}", field, std::string(cidr.status().message()));
  }
  for (size_t i = 0; i < block.except.size(); ++i) {
    const absl::StatusOr<Cidr> except = Cidr::Parse(block.except[i]);
    if (!except.ok()) {
      return fmt::format("{}.except[{}]: {}", field, i, std::string(except.status().message()));
    }
    if (!cidr->Contains(*except) || except->prefix_len == cidr->prefix_len) {
      return fmt::format("{}.except[{}]: {} is not a strict subset of cidr {}", field, i,
                         Quoted(block.except[i]), Quoted(block.cidr));
    }
  }
  return std::nullopt;
}

Finding CheckPeer(const std::string& field, const NetworkPolicyPeer& peer) {
  if (!peer.pod_selector && !peer.namespace_selector && !peer.ip_block) {
    return field + ": needs one of podSelector, namespaceSelector, ipBlock";
  }
  if (peer.ip_block) {
    if (peer.pod_selector || peer.namespace_selector) {
      return field + ": ipBlock does not go together with podSelector or namespaceSelector";
    }
    return CheckIpBlock(field + ".ipBlock", *peer.ip_block);
  }
  if (peer.pod_selector) {
    if (auto f = CheckSelector(field + ".podSelector", *peer.pod_selector)) return f;
  }
  if (!peer.namespace_selector) return std::nullopt;
  return CheckSelector(field + ".namespaceSelector", *peer.namespace_selector);
}

Finding CheckEndPort(const std::string& field, const NetworkPolicyPort& port) {
  if (!port.end_port) return std::nullopt;
  const int64_t* number = std::get_if<int64_t>(&port.port);
  if (number == nullptr) return field + ": is allowed only with a numeric port";
  if (auto f = CheckPortNumber(field, *port.end_port)) return f;
  if (*port.end_port >= *number) return std::nullopt;
  return fmt::format("{}: port range {}-{} is empty", field, *number, *port.end_port);
}

Finding CheckPort(const std::string& field, const NetworkPolicyPort& port) {
  if (auto f = CheckProtocol(field + ".protocol", port.protocol)) return f;
  if (const auto* number = std::get_if<int64_t>(&port.port)) {
    if (auto f = CheckPortNumber(field + ".port", *number)) return f;
  } else if (const auto* name = std::get_if<std::string>(&port.port)) {
    if (auto f = At(field + ".port", CheckPortName(*name))) return f;
  }
  return CheckEndPort(field + ".endPort", port);
}

// `direction` is "ingress" or "egress", `peers` the name of its peer list.
Finding CheckRules(const char* direction, const char* peers,
                   const std::vector<NetworkPolicyRule>& rules) {
  for (size_t r = 0; r < rules.size(); ++r) {
    for (size_t i = 0; i < rules[r].ports.size(); ++i) {
      const std::string field = fmt::format("spec.{}[{}].ports[{}]", direction, r, i);
      if (auto f = CheckPort(field, rules[r].ports[i])) return f;
    }
    for (size_t i = 0; i < rules[r].peers.size(); ++i) {
      const std::string field = fmt::format("spec.{}[{}].{}[{}]", direction, r, peers, i);
      if (auto f = CheckPeer(field, rules[r].peers[i])) return f;
    }
  }
  return std::nullopt;
}

Finding CheckPolicyTypes(const std::vector<std::string>& types) {
  if (types.size() > 2) return "spec.policyTypes: has more than two entries";
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] == "Ingress" || types[i] == "Egress") continue;
    return fmt::format("spec.policyTypes[{}]: {} is not supported: Ingress or Egress", i,
                       Quoted(types[i]));
  }
  return std::nullopt;
}

Finding CheckNamedPorts(const std::vector<NamedPort>& ports) {
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string field = fmt::format("ports[{}]", i);
    if (auto f = At(field + ".name", CheckPortName(ports[i].name))) return f;
    if (auto f = CheckProtocol(field + ".protocol", ports[i].protocol)) return f;
    if (auto f = CheckPortNumber(field + ".containerPort", ports[i].port)) return f;
  }
  return std::nullopt;
}

Finding CheckAttachments(const std::vector<Attachment>& attachments) {
  const std::string field = AnnotationPath(kNetworkStatusAnnotation);
  for (size_t i = 0; i < attachments.size(); ++i) {
    const std::string entry = fmt::format("{}[{}]", field, i);
    if (auto f = CheckNetworkName(entry + ".name", attachments[i].network)) return f;
    if (auto f = CheckAddresses(entry + ".ips", attachments[i].addresses, "pod")) return f;
  }
  return std::nullopt;
}

Finding Check(const Node& node) {
  if (auto f = At("metadata.name", CheckDnsSubdomain(node.name))) return f;
  if (auto f = CheckLabels("metadata.labels", node.labels)) return f;
  return CheckAddresses("status.addresses", node.addresses, "node");
}

Finding Check(const Endpoint& endpoint) {
  if (auto f = CheckNames(endpoint.namespace_name, endpoint.name)) return f;
  if (auto f = CheckLabels("metadata.labels", endpoint.labels)) return f;
  if (auto f = CheckAddresses("status.podIPs", endpoint.addresses, "pod")) return f;
  if (auto f = CheckAddresses("status.hostIPs", endpoint.node_addresses, "node")) return f;
  if (auto f = CheckAttachments(endpoint.attachments)) return f;
  return CheckNamedPorts(endpoint.named_ports);
}

Finding Check(const NetworkPolicy& policy) {
  if (auto f = CheckNames(policy.namespace_name, policy.name)) return f;
  if (auto f = CheckSelector("spec.podSelector", policy.pod_selector)) return f;
  if (auto f = CheckPolicyTypes(policy.policy_types)) return f;
  if (auto f = CheckRules("ingress", "from", policy.ingress)) return f;
  return CheckRules("egress", "to", policy.egress);
}

Finding Check(const MultiNetworkPolicy& multi) {
  if (auto f = Check(multi.policy)) return f;
  for (const std::string& network : multi.networks) {
    if (auto f = CheckNetworkName(AnnotationPath(kPolicyForAnnotation), network)) return f;
  }
  return std::nullopt;
}

}  // namespace

absl::Status Validate(const Namespace& ns) {
  Finding finding = At("metadata.name", CheckDnsLabel(ns.name));
  if (!finding) finding = CheckLabels("metadata.labels", ns.labels);
  return ToStatus(fmt::format("Namespace {}", Shown(ns.name)), finding);
}

absl::Status Validate(const Endpoint& endpoint) {
  return ToStatus(ObjectName("Pod", endpoint.namespace_name, endpoint.name), Check(endpoint));
}

absl::Status Validate(const Node& node) {
  return ToStatus(fmt::format("Node {}", Shown(node.name)), Check(node));
}

absl::Status Validate(const MultiNetworkPolicy& multi) {
  const NetworkPolicy& policy = multi.policy;
  return ToStatus(ObjectName("MultiNetworkPolicy", policy.namespace_name, policy.name),
                  Check(multi));
}

absl::Status Validate(const NetworkPolicy& policy) {
  return ToStatus(ObjectName("NetworkPolicy", policy.namespace_name, policy.name), Check(policy));
}

}  // namespace sluice::acl
