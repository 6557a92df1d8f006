#include "acl/rule_checks.h"

#include <fmt/format.h>

#include "acl/annotations.h"

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

}  // namespace

Finding CheckPolicyTypes(const std::vector<std::string>& types) {
  if (types.size() > 2) return "spec.policyTypes: has more than two entries";
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] == "Ingress" || types[i] == "Egress") continue;
    return fmt::format("spec.policyTypes[{}]: {} is not supported: Ingress or Egress", i,
                       Quoted(types[i]));
  }
  return std::nullopt;
}

Finding CheckRule(const std::string& field, const char* peers, const NetworkPolicyRule& rule) {
  for (size_t i = 0; i < rule.ports.size(); ++i) {
    if (auto f = CheckPort(fmt::format("{}.ports[{}]", field, i), rule.ports[i])) return f;
  }
  for (size_t i = 0; i < rule.peers.size(); ++i) {
    if (auto f = CheckPeer(fmt::format("{}.{}[{}]", field, peers, i), rule.peers[i])) return f;
  }
  return std::nullopt;
}

Finding CheckPolicyFor(const std::vector<std::string>& networks) {
  for (const std::string& network : networks) {
    if (auto f = CheckNetworkName(AnnotationPath(kPolicyForAnnotation), network)) return f;
  }
  return std::nullopt;
}

}  // namespace sluice::acl
