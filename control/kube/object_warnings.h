// What an acceptable object says that has no effect, or not the one its author may think of.
#pragma once

#include <string>
#include <vector>

#include "control/kube/manifest.h"

namespace sluice::control {

// "KIND NAME: FIELD: REASON", a line each: peers and protocols of a kind that is not known here,
// domain names, a MultiNetworkPolicy for no network.
std::vector<std::string> WarningsOf(const Object& object);
std::vector<std::string> WarningsOf(const acl::MultiNetworkPolicy& multi);
std::vector<std::string> WarningsOf(const acl::ClusterPolicy& policy);

}  // namespace sluice::control
