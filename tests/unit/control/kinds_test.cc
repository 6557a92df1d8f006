// Objects of the cluster-wide kinds, nodes, MultiNetworkPolicies and SluicePolicies in the desired
// state: owners, deletes, stand-ins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acl/validate.h"
#include "control/desired_state.h"
#include "control/stand_in.h"
#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Kind = acl::ClusterPolicyKind;

acl::ClusterPolicy Cluster(Kind kind, const std::string& name) {
  acl::ClusterPolicy policy;
  policy.kind = kind;
  policy.name = name;
  policy.tier = kind == Kind::kBaselineAdminNetworkPolicy ? "Baseline" : "Admin";
  policy.priority = kind == Kind::kBaselineAdminNetworkPolicy ? 0 : 7;
  policy.subject.namespaces.match_labels = {{"team", "a"}};
  policy.egress = {{.action = "Accept", .peers = {acl::PodsPeer{}}}};
  return policy;
}

acl::MultiNetworkPolicy Multi(const std::string& name, std::vector<std::string> networks) {
  return {DenyAll(name), std::move(networks)};
}

acl::SluicePolicy Sluice(const std::string& name, std::vector<std::string> networks = {}) {
  acl::SluicePolicy policy = AllowName(name, "example.org", std::move(networks));
  policy.pod_selector.match_labels = {{"app", "a"}};
  return policy;
}

acl::Node NodeOf(const std::string& name) { return {name, {{"a", "b"}}, {Ip("192.0.2.1")}}; }

DesiredState Filled() {
  DesiredState state;
  const auto applied = state.Apply(
      "cli",
      Candidates(NodeOf("a"), DenyAll("a"), Multi("a", {"x/net"}), Sluice("a"),
                 Cluster(Kind::kClusterNetworkPolicy, "a"), Cluster(Kind::kAdminNetworkPolicy, "a"),
                 Cluster(Kind::kBaselineAdminNetworkPolicy, "default")),
      OnRefusal::kRefuseAll);
  EXPECT_TRUE(applied.ok()) << applied.status();
  return state;
}

const std::vector<ObjectKey>& AllKeys() {
  static const std::vector<ObjectKey> keys = {{"Node", {"", "a"}},
                                              {"NetworkPolicy", {"default", "a"}},
                                              {"MultiNetworkPolicy", {"default", "a"}},
                                              {"SluicePolicy", {"default", "a"}},
                                              {"ClusterNetworkPolicy", {"", "a"}},
                                              {"AdminNetworkPolicy", {"", "a"}},
                                              {"BaselineAdminNetworkPolicy", {"", "default"}}};
  return keys;
}

TEST(KindsTest, PoliciesOfOneNameAndTwoKindsAreTwo) {
  const DesiredState state = Filled();
  EXPECT_EQ(state.nodes().size(), 1u);
  EXPECT_EQ(state.multi_policies().size(), 1u);
  EXPECT_EQ(state.cluster_policies().size(), 3u);
  EXPECT_EQ(state.sluice_policies().size(), 1u);
  EXPECT_EQ(state.policy_count(), 6u);
}

TEST(KindsTest, EachIsDeletedByItsKey) {
  for (const ObjectKey& key : AllKeys()) {
    DesiredState state = Filled();
    EXPECT_EQ(state.Delete("cli", std::vector{key}).value(), 1u) << key.ToString();
    EXPECT_EQ(state.policy_count() + state.nodes().size(), 6u) << key.ToString();
  }
  DesiredState state = Filled();
  EXPECT_EQ(state.Delete("cli", AllKeys()).value(), 7u);
  EXPECT_EQ(state, DesiredState());
}

TEST(KindsTest, AnotherSourceMayNotDeleteThem) {
  for (const ObjectKey& key : AllKeys()) {
    DesiredState state = Filled();
    EXPECT_EQ(std::string(state.Delete("watcher", std::vector{key}).status().message()),
              key.ToString() + ": belongs to source \"cli\", not to \"watcher\"");
  }
}

TEST(KindsTest, SyncKeepsWhatItNamesAndSweepsTheRest) {
  DesiredState state = Filled();
  ASSERT_TRUE(
      state.Sync("cli", Candidates(Cluster(Kind::kAdminNetworkPolicy, "a"), NodeOf("b")), "1")
          .ok());
  EXPECT_EQ(state.policy_count(), 1u);
  ASSERT_EQ(state.cluster_policies().size(), 1u);
  EXPECT_EQ(state.cluster_policies().begin()->first.kind, "AdminNetworkPolicy");
  ASSERT_EQ(state.nodes().size(), 1u);
  EXPECT_EQ(state.nodes().begin()->second.object.name, "b");
}

TEST(KindsTest, KeysReadAsPeopleKnowThem) {
  EXPECT_EQ((ObjectKey{"Node", {"", "a"}}).ToString(), "Node a");
  EXPECT_EQ((ObjectKey{"AdminNetworkPolicy", {"", "a"}}).ToString(), "AdminNetworkPolicy a");
  EXPECT_EQ((ObjectKey{"MultiNetworkPolicy", {"x", "a"}}).ToString(), "MultiNetworkPolicy x/a");
  EXPECT_EQ((ObjectKey{"SluicePolicy", {"x", "a"}}).ToString(), "SluicePolicy x/a");
  for (const ObjectKey& key : AllKeys()) EXPECT_TRUE(IsObjectKind(key.kind)) << key.kind;
  EXPECT_FALSE(IsObjectKind("Policy"));
}

const Owned<acl::ClusterPolicy>& RefusedCluster(DesiredState& state, acl::ClusterPolicy policy) {
  const ObjectKey key = ObjectKey::Of(policy);
  const auto refusals = state.Apply("cli", Candidates(std::move(policy)), OnRefusal::kSkip);
  EXPECT_EQ(refusals->size(), 1u);
  return state.cluster_policies().at(key);
}

TEST(KindsTest, AClusterPolicyNeverAcceptedDeniesInItsDirections) {
  DesiredState state;
  acl::ClusterPolicy bad = Cluster(Kind::kClusterNetworkPolicy, "a");
  bad.egress[0].peers.clear();
  bad.options.audit = true;
  const auto& owned = RefusedCluster(state, bad);
  EXPECT_TRUE(owned.stand_in);
  EXPECT_EQ(owned.object.subject, bad.subject);
  EXPECT_EQ(owned.object.tier, "Admin");
  EXPECT_EQ(owned.object.priority, 7);
  EXPECT_EQ(owned.object.options, bad.options);
  EXPECT_THAT(owned.object.ingress, IsEmpty());
  ASSERT_EQ(owned.object.egress.size(), 1u);
  EXPECT_EQ(owned.object.egress[0].action, "Deny");
  EXPECT_TRUE(std::holds_alternative<acl::UnknownKind>(owned.object.egress[0].peers.at(0)));
  EXPECT_TRUE(acl::Validate(owned.object).ok());
}

TEST(KindsTest, WhatIsInvalidOfAClusterPolicyIsTakenAtItsWorst) {
  DesiredState state;
  acl::ClusterPolicy bad = Cluster(Kind::kClusterNetworkPolicy, "a");
  bad.tier = "Middle";
  bad.priority = 2000;
  bad.subject.namespaces.match_labels = {{"team", "-"}};
  const auto& owned = RefusedCluster(state, bad);
  EXPECT_EQ(owned.object.tier, "Admin");
  EXPECT_EQ(owned.object.priority, 0);
  EXPECT_EQ(owned.object.subject, acl::PodsPeer());
}

TEST(KindsTest, AClusterPolicyThatCouldNotBeReadDeniesBothDirections) {
  for (const Kind kind : {Kind::kClusterNetworkPolicy, Kind::kAdminNetworkPolicy,
                          Kind::kBaselineAdminNetworkPolicy}) {
    const bool baseline = kind == Kind::kBaselineAdminNetworkPolicy;
    const ObjectKey key{acl::KindName(kind), {"", baseline ? "default" : "a"}};
    const auto stand_in = MakeClusterStandIn(key, nullptr);
    ASSERT_TRUE(stand_in);
    EXPECT_EQ(stand_in->kind, kind);
    EXPECT_EQ(stand_in->tier, baseline ? "Baseline" : "Admin");
    EXPECT_EQ(stand_in->ingress.size(), 1u);
    EXPECT_EQ(stand_in->egress.size(), 1u);
    EXPECT_TRUE(acl::Validate(*stand_in).ok()) << acl::Validate(*stand_in);
  }
}

TEST(KindsTest, StandInsUnderImpossibleNamesNeverMeet) {
  const auto other = MakeClusterStandIn({"BaselineAdminNetworkPolicy", {"", "x y"}}, nullptr);
  const auto same_name = MakeClusterStandIn({"ClusterNetworkPolicy", {"", "x y"}}, nullptr);
  ASSERT_TRUE(other && same_name);
  EXPECT_TRUE(acl::Validate(*other).ok());
  EXPECT_EQ(other->tier, "Baseline");
  EXPECT_NE(ObjectKey::Of(*other), ObjectKey::Of(*same_name));
}

std::vector<std::string> StandInNetworks(std::vector<std::string> networks) {
  DesiredState state;
  acl::MultiNetworkPolicy bad = Multi("a", std::move(networks));
  bad.policy.policy_types = {"Egress", "Both"};
  EXPECT_TRUE(state.Apply("cli", Candidates(bad), OnRefusal::kSkip).ok());
  const auto& owned = state.multi_policies().at({"default", "a"});
  EXPECT_TRUE(owned.stand_in);
  EXPECT_THAT(owned.object.policy.policy_types, ElementsAre("Ingress", "Egress"));
  return owned.object.networks;
}

TEST(KindsTest, AMultiNetworkPolicyNeverAcceptedIsolatesOnTheNetworksItNames) {
  EXPECT_THAT(StandInNetworks({"x/net1", "y/net2"}), ElementsAre("x/net1", "y/net2"));
  EXPECT_THAT(StandInNetworks({}), IsEmpty());
  EXPECT_THAT(StandInNetworks({"x/net1", "net 2"}), ElementsAre(kEveryNetwork));
  EXPECT_THAT(MakeMultiStandIn({"default", "a"}, nullptr)->networks, ElementsAre(kEveryNetwork));
}

// What stands in for `refused`.
acl::SluicePolicy SluiceStandIn(acl::SluicePolicy refused) {
  DesiredState state;
  const auto refusals = state.Apply("cli", Candidates(std::move(refused)), OnRefusal::kSkip);
  EXPECT_EQ(refusals->size(), 1u);
  const auto& owned = state.sluice_policies().at({"default", "a"});
  EXPECT_TRUE(owned.stand_in);
  return owned.object;
}

TEST(KindsTest, ASluicePolicyNeverAcceptedIsolatesWhatItSelects) {
  acl::SluicePolicy bad = Sluice("a", {"x/net1"});
  bad.options.audit = true;
  bad.egress[0].order = -1;
  const acl::SluicePolicy stand_in = SluiceStandIn(bad);
  EXPECT_EQ(stand_in.pod_selector, bad.pod_selector);
  EXPECT_EQ(stand_in.options, bad.options);
  EXPECT_THAT(stand_in.policy_types, ElementsAre("Ingress", "Egress")) << "it has an egress rule";
  EXPECT_THAT(stand_in.egress, IsEmpty());
  EXPECT_THAT(stand_in.networks, ElementsAre("x/net1"));
  bad.policy_types = {"Egress"};
  EXPECT_THAT(SluiceStandIn(bad).policy_types, ElementsAre("Egress"));
  bad.networks.clear();
  EXPECT_THAT(SluiceStandIn(bad).networks, IsEmpty());
  bad.networks = {"x/net1", "net 2"};
  EXPECT_THAT(SluiceStandIn(bad).networks, ElementsAre(kEveryNetwork));
}

TEST(KindsTest, ASluicePolicyThatCouldNotBeReadIsolatesItsNamespaceEverywhere) {
  const auto stand_in = MakeSluiceStandIn({"default", "a"}, nullptr);
  ASSERT_TRUE(stand_in);
  EXPECT_EQ(stand_in->pod_selector, acl::LabelSelector());
  EXPECT_THAT(stand_in->policy_types, ElementsAre("Ingress", "Egress"));
  EXPECT_THAT(stand_in->networks, ElementsAre(kEveryNetwork));
  EXPECT_FALSE(MakeSluiceStandIn({"no/such", "a"}, nullptr));
}

TEST(KindsTest, AStandInGivesWayToAGoodVersion) {
  DesiredState state;
  acl::ClusterPolicy bad = Cluster(Kind::kAdminNetworkPolicy, "a");
  bad.priority = -1;
  RefusedCluster(state, bad);
  const acl::ClusterPolicy good = Cluster(Kind::kAdminNetworkPolicy, "a");
  ASSERT_TRUE(state.Apply("cli", Candidates(good), OnRefusal::kSkip).ok());
  const auto& owned = state.cluster_policies().at(ObjectKey::Of(good));
  EXPECT_FALSE(owned.stand_in);
  EXPECT_EQ(owned.object, good);
  ASSERT_TRUE(state.Apply("cli", Candidates(bad), OnRefusal::kSkip).ok());
  EXPECT_EQ(owned.object, good) << "a refused version changes nothing";
}

}  // namespace
}  // namespace sluice::control
