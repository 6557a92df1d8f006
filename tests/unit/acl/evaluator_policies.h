// NetworkPolicies, probes and answers in few words, for tables of the evaluator. The policy is
// default/p on app=web unless a word says otherwise.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/acl/evaluator_table.h"

namespace sluice::acl {

inline const std::string kIn0 = "allow NetworkPolicy: NetworkPolicy default/p ingress[0]";
inline const std::string kIn1 = "allow NetworkPolicy: NetworkPolicy default/p ingress[1]";
inline const std::string kOut0 = "allow NetworkPolicy: NetworkPolicy default/p egress[0]";
inline const std::string kDeny = "deny NetworkPolicy: NetworkPolicy default/p";

using Rules = std::vector<NetworkPolicyRule>;

inline NetworkPolicyRule Peers(std::vector<NetworkPolicyPeer> peers) {
  return {.peers = std::move(peers), .ports = {}};
}
inline NetworkPolicyRule Ports(std::vector<NetworkPolicyPort> ports) {
  return {.peers = {}, .ports = std::move(ports)};
}

// default/p on app=web; without policyTypes.
inline NetworkPolicy Untyped(Rules ingress, Rules egress) {
  return {.namespace_name = "default",
          .name = "p",
          .pod_selector = kWeb,
          .ingress = std::move(ingress),
          .egress = std::move(egress)};
}
inline NetworkPolicy Typed(std::vector<std::string> types, Rules ingress, Rules egress) {
  NetworkPolicy policy = Untyped(std::move(ingress), std::move(egress));
  policy.policy_types = std::move(types);
  return policy;
}
inline NetworkPolicy In(Rules rules) { return Typed({"Ingress"}, std::move(rules), {}); }
inline NetworkPolicy Out(Rules rules) { return Typed({"Egress"}, {}, std::move(rules)); }
inline NetworkPolicy Named(const std::string& name, NetworkPolicy policy) {
  policy.name = name;
  return policy;
}
inline NetworkPolicy JudgingOwnNode(NetworkPolicy policy) {
  policy.options.judges_own_node = true;
  return policy;
}
inline NetworkPolicy On(LabelSelector pods, NetworkPolicy policy) {
  policy.pod_selector = std::move(pods);
  return policy;
}
inline NetworkPolicy Of(const std::string& namespace_name, NetworkPolicy policy) {
  policy.namespace_name = namespace_name;
  return policy;
}
inline NetworkPolicy Legacy(NetworkPolicy policy) {
  policy.legacy = true;
  return policy;
}
inline NetworkPolicy Rejecting(NetworkPolicy policy) {
  policy.options.reject = true;
  return policy;
}
inline NetworkPolicy Audited(NetworkPolicy policy) {
  policy.options.audit = true;
  return policy;
}

// To default/web over TCP/80, from pods (whose own egress is free) or from addresses.
inline RawProbe ToWeb(const std::string& from, const std::string& ingress) {
  const bool pod = from.find('/') != std::string::npos && from != "default/host";
  return {from, "default/web", "tcp", 80, pod ? "allow" : "-", ingress};
}
inline RawProbe FromWeb(const std::string& to, const std::string& egress) {
  const bool pod = to.find('/') != std::string::npos && to != "default/host";
  return {"default/web", to, "tcp", 80, egress, pod ? "allow" : "-"};
}
inline RawProbe Service(const std::string& protocol, uint16_t port, RawProbe probe) {
  probe.protocol = protocol;
  probe.port = port;
  return probe;
}

}  // namespace sluice::acl
