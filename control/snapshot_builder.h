// Desired state, open ports and compiled policy -> the snapshot that workers read. Pure.
#pragma once

#include "control/desired_state.h"
#include "control/network_build.h"
#include "control/port_places.h"
#include "control/verdict_scope.h"
#include "dataplane/snapshot.h"

namespace sluice::control {

// Whether connections outlive the policy that admitted them.
enum class OnPolicyChange : uint8_t {
  kStrict,  // what a change touches is judged again, established or not
  kKeep,    // established connections live on; only a new owner of an address ends them
};

struct SnapshotSettings {
  OwnNode own_node = OwnNode::kAllow;
  OnPolicyChange on_policy_change = OnPolicyChange::kStrict;
};

// The snapshot that follows `previous` (null for the first). Every port of `ports` has its place in
// `places`, every network its build in `builds`; places without a desired port are left out. A
// pod's port is known, and has classes, if its network's policy was compiled with the pod as a
// subject. What `scope` names, and ports and addresses that come, go or change here, are stamped
// with a new verdict epoch; without any, it stays the same.
dataplane::Snapshot BuildSnapshot(const PortTable& ports, const PortPlaces& places,
                                  const NetworkBuilds& builds, const VerdictScope& scope,
                                  const SnapshotSettings& settings, unsigned worker_count,
                                  const dataplane::Snapshot* previous);

}  // namespace sluice::control
