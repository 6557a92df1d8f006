// A cluster as `kubectl get -o json` would print it.
#pragma once

#include <string>

#include "perf/policy/cluster.h"

namespace sluice::perf {

// One List with every namespace, pod and policy of `cluster`.
std::string ManifestText(Cluster& cluster);

}  // namespace sluice::perf
