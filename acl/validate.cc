#include "acl/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "acl/name_syntax.h"

namespace sluice::acl {
namespace {

// Every check answers the first thing wrong: "FIELD: REASON". Validate puts the object before it.
using Finding = std::optional<std::string>;

Finding At(const std::string& field, const Refusal& refusal) {
  if (!refusal) return std::nullopt;
  return fmt::format("{}: {}", field, *refusal);
}

absl::Status ToStatus(const std::string& object, const Finding& finding) {
  if (!finding) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{}: {}", object, *finding));
}

// A name for an error message: as it is if it is a name at all, else in quotes.
std::string Shown(const std::string& name) { return CheckDnsSubdomain(name) ? Quoted(name) : name; }

std::string ObjectName(const char* kind, const std::string& namespace_name,
                       const std::string& name) {
  return fmt::format("{} {}/{}", kind, Shown(namespace_name), Shown(name));
}

Finding CheckNames(const std::string& namespace_name, const std::string& name) {
  if (auto f = At("metadata.namespace", CheckDnsLabel(namespace_name))) return f;
  return At("metadata.name", CheckDnsSubdomain(name));
}

Finding CheckLabels(const std::string& field, const Labels& labels) {
  for (const auto& [key, value] : labels) {
    if (auto f = At(field, CheckLabelKey(key))) return f;
    if (auto f = At(fmt::format("{}[{}]", field, key), CheckLabelValue(value))) return f;
  }
  return std::nullopt;
}

Finding CheckProtocol(const std::string& field, const std::string& protocol) {
  if (ProtocolNumber(protocol) != 0) return std::nullopt;
  return fmt::format("{}: {} is not supported: TCP, UDP or SCTP", field, Quoted(protocol));
}

Finding CheckPortNumber(const std::string& field, int64_t port) {
  if (1 <= port && port <= 65535) return std::nullopt;
  return fmt::format("{}: {} is not between 1 and 65535", field, port);
}

Finding CheckRequirement(const std::string& field, const Requirement& requirement) {
  if (auto f = At(field + ".key", CheckLabelKey(requirement.key))) return f;
  const bool sets = requirement.op == "In" || requirement.op == "NotIn";
  if (!sets && requirement.op != "Exists" && requirement.op != "DoesNotExist") {
    return fmt::format("{}.operator: {} is not supported: In, NotIn, Exists or DoesNotExist", field,
                       Quoted(requirement.op));
  }
  if (sets && requirement.values.empty()) {
    return fmt::format("{}.values: is required with operator {}", field, requirement.op);
  }
  if (!sets && !requirement.values.empty()) {
    return fmt::format("{}.values: is not allowed with operator {}", field, requirement.op);
  }
  for (size_t i = 0; i < requirement.values.size(); ++i) {
    const std::string value_field = fmt::format("{}.values[{}]", field, i);
    if (auto f = At(value_field, CheckLabelValue(requirement.values[i]))) return f;
  }
  return std::nullopt;
}

Finding CheckSelector(const std::string& field, const LabelSelector& selector) {
  if (auto f = CheckLabels(field + ".matchLabels", selector.match_labels)) return f;
  for (size_t i = 0; i < selector.match_expressions.size(); ++i) {
    const std::string requirement = fmt::format("{}.matchExpressions[{}]", field, i);
    if (auto f = CheckRequirement(requirement, selector.match_expressions[i])) return f;
  }
  return std::nullopt;
}

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

Finding CheckAddresses(const std::vector<IpAddress>& addresses) {
  for (auto it = addresses.begin(); it != addresses.end(); ++it) {
    const std::string field = fmt::format("status.podIPs[{}]", it - addresses.begin());
    if (it->IsUnspecified() || it->IsMulticast()) {
      return fmt::format("{}: {} is not the address of one pod", field, it->ToString());
    }
    if (std::find(addresses.begin(), it, *it) != it) {
      return fmt::format("{}: {} is listed twice", field, it->ToString());
    }
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

Finding Check(const Endpoint& endpoint) {
  if (auto f = CheckNames(endpoint.namespace_name, endpoint.name)) return f;
  if (auto f = CheckLabels("metadata.labels", endpoint.labels)) return f;
  if (auto f = CheckAddresses(endpoint.addresses)) return f;
  return CheckNamedPorts(endpoint.named_ports);
}

Finding Check(const NetworkPolicy& policy) {
  if (auto f = CheckNames(policy.namespace_name, policy.name)) return f;
  if (auto f = CheckSelector("spec.podSelector", policy.pod_selector)) return f;
  if (auto f = CheckPolicyTypes(policy.policy_types)) return f;
  if (auto f = CheckRules("ingress", "from", policy.ingress)) return f;
  return CheckRules("egress", "to", policy.egress);
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

absl::Status Validate(const NetworkPolicy& policy) {
  return ToStatus(ObjectName("NetworkPolicy", policy.namespace_name, policy.name), Check(policy));
}

}  // namespace sluice::acl
