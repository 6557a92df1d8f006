// Desired state, open ports and compiled policy -> the snapshot that workers read. Pure.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "control/desired_state.h"
#include "control/network_build.h"
#include "dataplane/snapshot.h"
#include "dataplane/switch.h"

namespace sluice::control {

// Where an open port is: its slot and the worker that polls it, for as long as it is open.
struct PortPlace {
  dataplane::AttachedPort attached;
  unsigned worker = 0;
};
using PortPlaces = std::map<std::string, PortPlace>;  // by port name

// The worker with the fewest ports, the lowest one among equals.
unsigned LeastLoadedWorker(const PortPlaces& places, unsigned worker_count);

// The snapshot that follows `previous` (null for the first). Every port of `ports` has its place in
// `places`, every network its build in `builds`; places without a desired port are left out. A
// pod's port is known, and has classes, if its network's policy was compiled with the pod as a
// subject. verdict_epoch is the predecessor's, plus one if the rules, the address map or the
// subject of a port that was there before changed.
dataplane::Snapshot BuildSnapshot(const PortTable& ports, const PortPlaces& places,
                                  const NetworkBuilds& builds, OwnNode own_node,
                                  unsigned worker_count, const dataplane::Snapshot* previous);

}  // namespace sluice::control
