// The join: what ports say of local pods (addresses) with what the API says of all pods (labels).
#pragma once

#include <vector>

#include "acl/address.h"
#include "acl/compiler.h"
#include "control/desired_state.h"

namespace sluice::control {

// A pod with a port but without an object from the API.
enum class UnlistedPods {
  kDeny,          // its port stays shut
  kDefaultClass,  // it counts as a pod without labels
};

struct PolicySettings {
  std::vector<acl::Cidr> cluster_cidrs;
  UnlistedPods unlisted_pods = UnlistedPods::kDeny;
};

// What acl::Compile takes for the default network. A local pod (one port here; UIDs agree where
// both sides know one) has its port's addresses and the API's labels and named ports, and is listed
// in `local`; everyone else has the API's addresses but for those a local port owns.
acl::PolicyInput MakePolicyInput(const DesiredState& state, const PolicySettings& settings);

}  // namespace sluice::control
