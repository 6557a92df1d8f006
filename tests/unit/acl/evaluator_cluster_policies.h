// Cluster-wide policies, probes and answers in few words, for tables of the evaluator. The policy
// is a ClusterNetworkPolicy p on default/web, tier Admin, priority 10, unless a word says
// otherwise.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/acl/evaluator_table.h"

namespace sluice::acl {

inline const PodsPeer kDefaultWeb = {Having({{"kubernetes.io/metadata.name", "default"}}), kWeb};
inline const PodsPeer kAllPods = {};
inline const NodesPeer kAllNodes = {};
inline const std::string kDenied = "deny Admin: ClusterNetworkPolicy p ingress[0]";
inline const std::string kAccepted = "allow Admin: ClusterNetworkPolicy p ingress[0]";
inline const std::string kOutDenied = "deny Admin: ClusterNetworkPolicy p egress[0]";
inline const std::string kOutAccepted = "allow Admin: ClusterNetworkPolicy p egress[0]";

using Rules = std::vector<ClusterRule>;

inline PodsPeer PodsHaving(Labels labels) { return {{}, Having(std::move(labels))}; }
inline PodsPeer NamespacesHaving(Labels labels) { return {Having(std::move(labels)), {}}; }

inline ClusterRule Rule(std::string action, std::vector<ClusterPeer> peers,
                        std::vector<ClusterPort> ports = {}) {
  return {.name = "",
          .action = std::move(action),
          .peers = std::move(peers),
          .ports = std::move(ports)};
}
inline ClusterRule Called(const std::string& name, ClusterRule rule) {
  rule.name = name;
  return rule;
}

// On default/web, in tier Admin with priority 10.
inline ClusterPolicy Policy(Rules ingress, Rules egress) {
  return {.name = "p",
          .tier = "Admin",
          .priority = 10,
          .subject = kDefaultWeb,
          .ingress = std::move(ingress),
          .egress = std::move(egress)};
}
inline ClusterPolicy In(Rules rules) { return Policy(std::move(rules), {}); }
inline ClusterPolicy Out(Rules rules) { return Policy({}, std::move(rules)); }
inline ClusterPolicy Baseline(ClusterPolicy policy) {
  policy.tier = "Baseline";
  return policy;
}
inline ClusterPolicy At(const std::string& name, int64_t priority, ClusterPolicy policy) {
  policy.name = name;
  policy.priority = priority;
  return policy;
}
inline ClusterPolicy Admin(ClusterPolicy policy) {
  policy.kind = ClusterPolicyKind::kAdminNetworkPolicy;
  return policy;
}
inline ClusterPolicy BaselineAdmin(ClusterPolicy policy) {
  policy.kind = ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  policy.tier = "Baseline";
  policy.name = "default";
  return policy;
}
inline ClusterPolicy Rejecting(ClusterPolicy policy) {
  policy.options.reject = true;
  return policy;
}
inline ClusterPolicy Audited(ClusterPolicy policy) {
  policy.options.audit = true;
  return policy;
}
inline ClusterPolicy For(PodsPeer subject, ClusterPolicy policy) {
  policy.subject = std::move(subject);
  return policy;
}

inline RawProbe ToWeb(const std::string& from, const std::string& ingress,
                      const std::string& protocol = "tcp", uint16_t port = 80) {
  const bool pod = from.find('/') != std::string::npos;
  return {from, "default/web", protocol, port, pod ? "allow" : "-", ingress};
}
inline RawProbe FromWeb(const std::string& to, const std::string& egress,
                        const std::string& protocol = "tcp", uint16_t port = 80) {
  const bool pod = to.find('/') != std::string::npos && to != "default/host";
  return {"default/web", to, protocol, port, egress, pod ? "allow" : "-"};
}

}  // namespace sluice::acl
