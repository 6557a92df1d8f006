// What a change of policy can have changed the verdict of: the difference of two builds of one
// network, in terms of pods and addresses.
//
// A verdict on a connection is a function of the policies that select its subjects, of the
// subjects' own labels, and of who has the two addresses. So a policy that came, went or changed
// touches the pods it selects or selected; an endpoint or namespace that changed touches itself and
// its addresses. Where both builds have the same flat rules, class numbers mean the same in both,
// and an endpoint whose classes did not change is left out: that is the common pod event. A pod
// that gets or loses its port here is the snapshot's to see (control/verdict_stamps.h).
#pragma once

#include <set>
#include <span>

#include "control/object_key.h"
#include "control/policy_build.h"

namespace sluice::control {

struct VerdictScope {
  bool everything = false;
  std::set<ObjectName> subjects;        // local pods whose own policies or labels changed
  std::set<acl::IpAddress> addresses;   // whose owner changed in a way that policies see
  std::set<acl::IpAddress> new_owners;  // of those: not the same pod as before

  bool empty() const { return !everything && subjects.empty() && addresses.empty(); }
  bool operator==(const VerdictScope&) const = default;
};

// `before` may be null: then everything is touched. Cost: linear in both inputs.
VerdictScope CompareBuilds(const PolicyBuild* before, const PolicyBuild& now);

// The same for builds that differ in these endpoints alone. Cost: theirs.
VerdictScope CompareEndpoints(const PolicyBuild& before, const PolicyBuild& now,
                              std::span<const EndpointChange> changes);

}  // namespace sluice::control
