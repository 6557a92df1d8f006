// Random policies and what they are made of, from small vocabularies, so that selectors hit,
// overlap and miss. All of it is acceptable to Compile.
#pragma once

#include "acl/cluster_policy.h"
#include "acl/objects.h"
#include "acl/sluice_policy.h"
#include "tests/differential/random_source.h"

namespace sluice::acl {

Labels AnyLabels(RandomSource& random);
LabelSelector AnySelector(RandomSource& random);
const char* AnyNamespaceName(RandomSource& random);
const char* AnyPortName(RandomSource& random);
const char* AnyProtocol(RandomSource& random);  // as policies and pods spell it, "" too
const char* AnyBlock(RandomSource& random);
// An edge of the port ranges that policies and pods name.
uint16_t AnyPortEdge(RandomSource& random);

NetworkPolicy AnyNetworkPolicy(RandomSource& random, unsigned number);
// extensions/v1beta1 before 1.7: from pods only, and inwards.
NetworkPolicy AnyLegacyPolicy(RandomSource& random, unsigned number);
// Orders tie often, and names are asked for that what RandomCluster::AnyFlow says has.
SluicePolicy AnySluicePolicy(RandomSource& random, unsigned number);
// Priorities and names tie often; (kind, name) may come twice.
ClusterPolicy AnyClusterPolicy(RandomSource& random, ClusterPolicyKind kind);

}  // namespace sluice::acl
