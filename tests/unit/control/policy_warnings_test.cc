#include "control/policy_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

acl::PolicyInput LegacyInput() {
  acl::PolicyInput input;
  acl::NetworkPolicy legacy = DenyAll("old");
  legacy.legacy = true;
  acl::NetworkPolicy elsewhere = legacy;
  elsewhere.namespace_name = "isolated";
  input.policies = {legacy, elsewhere, DenyAll("new")};
  input.namespaces = {{"default", {}, false}, {"isolated", {}, true}};
  return input;
}

TEST(PolicyWarningsTest, LegacyPoliciesWithoutTheAnnotationAreNamed) {
  acl::PolicyInput input = LegacyInput();
  EXPECT_THAT(WarningsOf(input),
              ElementsAre("NetworkPolicy default/old: apiVersion: extensions/v1beta1 has no effect "
                          "in namespace default without the annotation "
                          "net.beta.kubernetes.io/network-policy (or legacy policy v1)"));
  input.namespaces.erase(input.namespaces.begin());
  EXPECT_EQ(WarningsOf(input).size(), 1u) << "a namespace that nobody knows has no annotation";
  input.legacy_policy = acl::LegacyPolicy::kV1;
  EXPECT_THAT(WarningsOf(input), IsEmpty());
}

acl::ClusterPolicy Cluster(acl::ClusterPolicyKind kind, const std::string& name,
                           const std::string& tier) {
  acl::ClusterPolicy policy;
  policy.kind = kind;
  policy.name = name;
  policy.tier = tier;
  return policy;
}

TEST(PolicyWarningsTest, EqualPrioritiesInOneTierAreNamed) {
  using Kind = acl::ClusterPolicyKind;
  acl::PolicyInput input;
  input.cluster_policies = {Cluster(Kind::kAdminNetworkPolicy, "a", "Admin"),
                            Cluster(Kind::kClusterNetworkPolicy, "b", "Admin"),
                            Cluster(Kind::kClusterNetworkPolicy, "c", "Baseline"),
                            Cluster(Kind::kBaselineAdminNetworkPolicy, "default", "Baseline")};
  EXPECT_THAT(WarningsOf(input),
              ElementsAre("ClusterNetworkPolicy b: spec.priority: 0 in tier Admin is that of "
                          "AdminNetworkPolicy a too: which comes first is not to be relied on"));
  input.cluster_policies[1].priority = 1;
  EXPECT_THAT(WarningsOf(input), IsEmpty());
}

TEST(PolicyWarningsTest, WhatOneObjectSaysIsThereTooOnOneLine) {
  acl::PolicyInput input;
  input.cluster_policies = {Cluster(acl::ClusterPolicyKind::kClusterNetworkPolicy, "a", "Admin")};
  input.cluster_policies[0].egress = {
      {.action = "Deny", .peers = {acl::UnknownKind{"spec.egress[0]\nto"}}}};
  EXPECT_THAT(WarningsOf(input),
              ElementsAre("ClusterNetworkPolicy a: spec.egress[0] to: is of a kind that is not "
                          "known here, so the rule denies everything in its direction"));
  EXPECT_THAT(WarningsOfTogether(input), IsEmpty());
}

}  // namespace
}  // namespace sluice::control
