// sluice.io/v1alpha1 SluicePolicy: a NetworkPolicy whose rules also deny, have an order and look
// into connections.
//
// It sits in the NetworkPolicy tier and selects and isolates as a NetworkPolicy does. There its
// rules come before every NetworkPolicy's, by `order`, then by the policy's name, then as they
// stand in the policy; the first that matches decides. What none matches goes on to the allows of
// NetworkPolicies, and then to the default deny of the policies that isolate the pod.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "acl/content.h"
#include "acl/objects.h"

namespace sluice::acl {

inline constexpr int64_t kDefaultRuleOrder = 1000;
inline constexpr int64_t kMaxRuleOrder = 10'000;

struct SluiceRule {
  NetworkPolicyRule match;            // peers and ports
  std::string name;                   // may be empty
  std::string action;                 // "allow" (also if empty), "deny"
  int64_t order = kDefaultRuleOrder;  // 0, the first, to kMaxRuleOrder
  Content content;
  bool log = false;  // connections that it decides are in the event log, whatever its filter says
  bool operator==(const SluiceRule&) const = default;
};

struct SluicePolicy {
  std::string namespace_name;
  std::string name;
  PolicyOptions options;
  LabelSelector pod_selector;
  std::vector<std::string> policy_types;  // as NetworkPolicy::policy_types
  std::vector<SluiceRule> ingress;
  std::vector<SluiceRule> egress;
  // "namespace/name" of NetworkAttachmentDefinitions, from k8s.v1.cni.cncf.io/policy-for. Empty: it
  // acts where NetworkPolicies do.
  std::vector<std::string> networks;

  bool IsolatesIngress() const { return TypesIsolateIngress(policy_types); }
  bool IsolatesEgress() const { return TypesIsolateEgress(policy_types, !egress.empty()); }
  bool operator==(const SluicePolicy&) const = default;
};

}  // namespace sluice::acl
