// The annotations that policy looks at.
#pragma once

#include <string>

namespace sluice::acl {

// Of policies of every kind (PolicyOptions).
inline constexpr char kAuditAnnotation[] = "sluice.io/audit";
inline constexpr char kDenyActionAnnotation[] = "sluice.io/deny-action";
inline constexpr char kOwnNodeAnnotation[] = "sluice.io/own-node";  // not of cluster-wide ones
// Of namespaces, before Kubernetes 1.7 (Namespace::ingress_default_deny).
inline constexpr char kIsolationAnnotation[] = "net.beta.kubernetes.io/network-policy";
// Of MultiNetworkPolicies and SluicePolicies: the networks they are for.
inline constexpr char kPolicyForAnnotation[] = "k8s.v1.cni.cncf.io/policy-for";
// Of pods: what they have on which network.
inline constexpr char kNetworkStatusAnnotation[] = "k8s.v1.cni.cncf.io/network-status";

// The API path of an annotation, for errors.
inline std::string AnnotationPath(const std::string& name) {
  return "metadata.annotations[" + name + "]";
}

}  // namespace sluice::acl
