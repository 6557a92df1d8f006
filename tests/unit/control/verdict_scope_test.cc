#include "control/verdict_scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/policy_input.h"
#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

PolicyBuild Build(const DesiredState& state, const PolicyBuild* previous = nullptr) {
  auto build = CompilePolicy(MakePolicyInput(state, {}), previous);
  EXPECT_TRUE(build.ok()) << build.status();
  return *std::move(build);
}

class VerdictScopeTest : public ::testing::Test {
 protected:
  VerdictScopeTest() {
    AddPort("web", "02:00:00:00:00:01", "10.0.0.1");
    AddPort("db", "02:00:00:00:00:02", "10.0.0.2");
    Apply(acl::Namespace{"default", {}});
    Apply(Pod("web", "", {{"app", "web"}}));
    Apply(Pod("db", "", {{"app", "db"}}));
    Apply(Pod("client", "10.1.0.1", {{"app", "client"}}, "one"));
    Apply(Pod("other", "10.1.0.2", {{"app", "other"}}));
    acl::NetworkPolicy policy = Allow("db", {{"app", "client"}}, 5432);
    policy.pod_selector.match_labels = {{"app", "db"}};
    Apply(policy);
    before_ = Build(state_);
  }

  void AddPort(const std::string& pod, const std::string& mac, const std::string& address) {
    ASSERT_TRUE(state_.ports().Add(RingPort(pod, pod, mac, address)).ok());
  }
  void Apply(Object object) {
    ASSERT_TRUE(
        state_.Apply("test", std::vector{Candidate::Of(object)}, OnRefusal::kRefuseAll).ok());
  }
  void Delete(const ObjectKey& key) { ASSERT_TRUE(state_.Delete("test", std::vector{key}).ok()); }
  VerdictScope Scope() { return CompareBuilds(&before_, Build(state_, &before_)); }

  DesiredState state_;
  PolicyBuild before_;
};

ObjectName InDefault(const std::string& name) { return {"default", name}; }

TEST_F(VerdictScopeTest, AClusterPolicyTouchesThePodsOfItsSubjectBeforeAndAfter) {
  acl::ClusterPolicy policy;
  policy.name = "c";
  policy.tier = "Admin";
  policy.subject.namespaces.match_labels = {{"kubernetes.io/metadata.name", "default"}};
  policy.subject.pods.match_labels = {{"app", "db"}};
  Apply(policy);
  EXPECT_THAT(Scope().subjects, ElementsAre(InDefault("db")));
  before_ = Build(state_, &before_);
  policy.subject.pods.match_labels = {{"app", "web"}};
  Apply(policy);
  EXPECT_THAT(Scope().subjects, ElementsAre(InDefault("db"), InDefault("web")));
  before_ = Build(state_, &before_);
  policy.subject.namespaces.match_labels = {{"kubernetes.io/metadata.name", "other"}};
  Apply(policy);
  EXPECT_THAT(Scope().subjects, ElementsAre(InDefault("web")));
}

TEST_F(VerdictScopeTest, WithoutABuildBeforeEverythingIsTouched) {
  EXPECT_TRUE(CompareBuilds(nullptr, before_).everything);
}

TEST_F(VerdictScopeTest, TheSameInputTouchesNothing) { EXPECT_TRUE(Scope().empty()); }

TEST_F(VerdictScopeTest, ALabelThatNoPolicyLooksAtTouchesNothing) {
  Apply(Pod("client", "10.1.0.1", {{"app", "client"}, {"pod-template-hash", "7"}}, "one"));
  EXPECT_TRUE(Scope().empty());
}

TEST_F(VerdictScopeTest, APeerThatLosesItsLabelTouchesItsAddressOnly) {
  Apply(Pod("client", "10.1.0.1", {{"app", "other"}}, "one"));
  const VerdictScope scope = Scope();
  EXPECT_THAT(scope.subjects, IsEmpty());
  EXPECT_THAT(scope.addresses, ElementsAre(Ip("10.1.0.1")));
  EXPECT_THAT(scope.new_owners, IsEmpty());
}

TEST_F(VerdictScopeTest, AnotherPodUnderTheSameNameAndAddressIsANewOwner) {
  Apply(Pod("client", "10.1.0.1", {{"app", "client"}}, "two"));
  EXPECT_THAT(Scope().new_owners, ElementsAre(Ip("10.1.0.1")));
}

TEST_F(VerdictScopeTest, APodThatGoesTouchesItsAddress) {
  Delete(PodKey("client"));
  const VerdictScope scope = Scope();
  EXPECT_THAT(scope.addresses, ElementsAre(Ip("10.1.0.1")));
  EXPECT_THAT(scope.new_owners, ElementsAre(Ip("10.1.0.1")));
}

TEST_F(VerdictScopeTest, APodThatMovesTouchesBothAddresses) {
  Apply(Pod("client", "10.1.0.9", {{"app", "client"}}, "one"));
  EXPECT_THAT(Scope().addresses, ElementsAre(Ip("10.1.0.1"), Ip("10.1.0.9")));
}

TEST_F(VerdictScopeTest, APolicyTouchesWhatItSelectsBeforeAndAfter) {
  acl::NetworkPolicy policy = Allow("db", {{"app", "client"}}, 5432);
  policy.pod_selector.match_labels = {{"app", "web"}};
  Apply(policy);
  const VerdictScope scope = Scope();
  EXPECT_THAT(scope.subjects, ElementsAre(InDefault("db"), InDefault("web")));
  EXPECT_THAT(scope.addresses, IsEmpty());
}

TEST_F(VerdictScopeTest, ADeletedPolicyTouchesWhatItSelected) {
  Delete(PolicyKey("db"));
  EXPECT_THAT(Scope().subjects, ElementsAre(InDefault("db")));
}

TEST_F(VerdictScopeTest, APolicyWhoseBlockAloneChangesTouchesItsPods) {
  const auto from = [](const std::string& cidr) {
    acl::NetworkPolicy policy = Allow("web", {}, 80);
    policy.pod_selector.match_labels = {{"app", "web"}};
    policy.ingress[0].peers[0].pod_selector.reset();
    policy.ingress[0].peers[0].ip_block = acl::IpBlock{cidr, {}};
    return policy;
  };
  Apply(from("192.0.2.0/24"));
  before_ = Build(state_);
  Apply(from("198.51.100.0/24"));
  const PolicyBuild now = Build(state_, &before_);
  EXPECT_EQ(now.base.in_force.rules, before_.base.in_force.rules)
      << "the case this is about: equal rules over other blocks";
  EXPECT_THAT(CompareBuilds(&before_, now).subjects, ElementsAre(InDefault("web")));
}

TEST_F(VerdictScopeTest, ANamespacesLabelsTouchItsPodsWherePolicyLooksAtThem) {
  acl::NetworkPolicy policy = Allow("web", {}, 80);
  policy.pod_selector.match_labels = {{"app", "web"}};
  policy.ingress[0].peers[0] = {std::nullopt, acl::LabelSelector{{{"team", "a"}}, {}},
                                std::nullopt};
  Apply(policy);
  before_ = Build(state_);
  Apply(acl::Namespace{"default", {{"team", "a"}}});
  const VerdictScope scope = Scope();
  for (const char* address : {"10.0.0.1", "10.0.0.2", "10.1.0.1", "10.1.0.2"}) {
    EXPECT_TRUE(scope.addresses.contains(Ip(address))) << address;
  }
}

}  // namespace
}  // namespace sluice::control
