#include "acl/cluster_policy.h"

namespace sluice::acl {

const char* KindName(ClusterPolicyKind kind) {
  switch (kind) {
    case ClusterPolicyKind::kClusterNetworkPolicy:
      return "ClusterNetworkPolicy";
    case ClusterPolicyKind::kAdminNetworkPolicy:
      return "AdminNetworkPolicy";
    case ClusterPolicyKind::kBaselineAdminNetworkPolicy:
      return "BaselineAdminNetworkPolicy";
  }
  return "ClusterNetworkPolicy";
}

}  // namespace sluice::acl
