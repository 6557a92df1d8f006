// What takes the place of a policy that was refused and never had an accepted version.
#pragma once

#include <optional>

#include "acl/cluster_policy.h"
#include "acl/objects.h"
#include "acl/sluice_policy.h"
#include "control/object_key.h"

namespace sluice::control {

// A policy that isolates and admits nobody. It selects what the refused policy selects, or the
// whole namespace if that cannot be told, and isolates the directions the refused policy isolates,
// or both if that cannot be told; options are the refused policy's, so that one in audit does not
// begin to deny. `refused` is null for a policy that could not be read at all. The
// result passes acl::Validate (its name is made up if the refused one's is no name); there is none
// for a namespace that cannot exist, where nothing can be selected.
std::optional<acl::NetworkPolicy> MakeStandIn(const ObjectName& name,
                                              const acl::NetworkPolicy* refused);

// Among the networks of a stand-in: every network that MultiNetworkPolicies act on; of a
// SluicePolicy those where NetworkPolicies do, too.
inline constexpr char kEveryNetwork[] = "*";

// As MakeStandIn, on the networks that the refused policy names. If one of them is no name of a
// network, or nothing could be read, on every network: a pod that is isolated where it need not be
// is seen at once, one that is open is not. The result passes acl::Validate but for kEveryNetwork,
// which control/policy_input.h replaces.
std::optional<acl::MultiNetworkPolicy> MakeMultiStandIn(const ObjectName& name,
                                                        const acl::MultiNetworkPolicy* refused);

// A SluicePolicy without rules, which isolates as MakeStandIn's does, on the networks that the
// refused policy acts on; where that cannot be told, on every network and where NetworkPolicies
// act.
std::optional<acl::SluicePolicy> MakeSluiceStandIn(const ObjectName& name,
                                                   const acl::SluicePolicy* refused);

// A policy that denies everything of its directions: those the refused policy has rules for, or
// both if it could not be read. Subject, tier and priority are the refused policy's where they are
// valid; else all pods, and the first place in the first tier its kind can be in. An Accept rule
// that was refused denies too: whether it stood before or after a Deny, nobody knows any more. The
// result passes acl::Validate: under a name that cannot be, it is a ClusterNetworkPolicy with a
// made-up one.
std::optional<acl::ClusterPolicy> MakeClusterStandIn(const ObjectKey& key,
                                                     const acl::ClusterPolicy* refused);

}  // namespace sluice::control
