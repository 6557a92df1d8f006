#include "acl/validate.h"

#include <fmt/format.h>

#include <algorithm>

#include "acl/annotations.h"
#include "acl/checks.h"
#include "acl/rule_checks.h"

namespace sluice::acl {
namespace {

// `direction` is "ingress" or "egress", `peers` the name of its peer list.
Finding CheckRules(const char* direction, const char* peers,
                   const std::vector<NetworkPolicyRule>& rules) {
  for (size_t r = 0; r < rules.size(); ++r) {
    if (auto f = CheckRule(fmt::format("spec.{}[{}]", direction, r), peers, rules[r])) return f;
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
  return CheckPolicyFor(multi.networks);
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
