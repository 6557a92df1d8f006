#include "control/desired_state.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acl/validate.h"
#include "control/stand_in.h"
#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

const Owned<acl::NetworkPolicy>& Policy(const DesiredState& state, const std::string& name) {
  return state.policies().at({"default", name});
}

TEST(DesiredStateTest, ObjectsWithoutSourceAreRefused) {
  DesiredState state;
  const auto objects = Candidates(DenyAll("a"));
  EXPECT_EQ(state.Apply("", objects, OnRefusal::kSkip).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(state.Sync("", objects, "1").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(state.Delete("", {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(state, DesiredState());
}

TEST(DesiredStateTest, OneBadObjectRefusesTheWholeApplyAndNamesObjectFieldAndReason) {
  DesiredState state;
  const auto objects = Candidates(DenyAll("good"), BadPolicy("bad"));
  const auto applied = state.Apply("cli", objects, OnRefusal::kRefuseAll);
  EXPECT_EQ(applied.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(applied.status()),
              StartsWith("NetworkPolicy default/bad: spec.ingress[0].ports[0].endPort: "));
  EXPECT_EQ(state, DesiredState());
}

TEST(DesiredStateTest, SkippedRefusalsHoldUpNoOther) {
  DesiredState state;
  const auto objects = Candidates(BadPolicy("bad"), DenyAll("good"));
  const auto refusals = state.Apply("cli", objects, OnRefusal::kSkip);
  ASSERT_TRUE(refusals.ok());
  ASSERT_EQ(refusals->size(), 1u);
  EXPECT_EQ((*refusals)[0].key, PolicyKey("bad"));
  EXPECT_EQ((*refusals)[0].field, "spec.ingress[0].ports[0].endPort");
  EXPECT_THAT((*refusals)[0].reason, HasSubstr("80"));
  EXPECT_FALSE(Policy(state, "good").stand_in);
}

// The validator shows a name that is none in quotes.
TEST(DesiredStateTest, ABadNameIsAFieldLikeAnyOther) {
  DesiredState state;
  acl::NetworkPolicy spaced = DenyAll("a");
  spaced.namespace_name = "Not a name";
  const auto refusals = state.Apply(
      "cli", Candidates(DenyAll("No Name"), spaced, acl::Namespace{"x y", {}}), OnRefusal::kSkip);
  ASSERT_TRUE(refusals.ok());
  ASSERT_EQ(refusals->size(), 3u);
  EXPECT_EQ((*refusals)[0].field, "metadata.name");
  EXPECT_EQ((*refusals)[1].field, "metadata.namespace");
  EXPECT_EQ((*refusals)[2].field, "metadata.name");
  for (const Refusal& refusal : *refusals) {
    EXPECT_NE(refusal.reason, "");
    EXPECT_THAT(refusal.reason, testing::Not(HasSubstr("metadata")));
  }
}

TEST(DesiredStateTest, ARefusedPolicyKeepsItsLastAcceptedVersion) {
  DesiredState state;
  ASSERT_TRUE(state.Apply("cli", Candidates(DenyAll("a", {{"v", "1"}})), OnRefusal::kSkip).ok());
  const DesiredState before = state;
  ASSERT_TRUE(state.Apply("cli", Candidates(BadPolicy("a")), OnRefusal::kSkip).ok());
  EXPECT_EQ(state, before);
}

TEST(DesiredStateTest, APolicyNeverAcceptedIsolatesWhatItSelects) {
  DesiredState state;
  ASSERT_TRUE(
      state.Apply("cli", Candidates(BadPolicy("a", {{"app", "x"}})), OnRefusal::kSkip).ok());
  const auto& owned = Policy(state, "a");
  EXPECT_TRUE(owned.stand_in);
  EXPECT_EQ(owned.source, "cli");
  EXPECT_EQ(owned.object.pod_selector.match_labels, (acl::Labels{{"app", "x"}}));
  EXPECT_THAT(owned.object.policy_types, ElementsAre("Ingress"));
  EXPECT_THAT(owned.object.ingress, IsEmpty());
}

TEST(DesiredStateTest, AStandInFollowsTheNextRefusedVersionAndGivesWayToAGoodOne) {
  DesiredState state;
  ASSERT_TRUE(state.Apply("cli", Candidates(BadPolicy("a", {{"v", "1"}})), OnRefusal::kSkip).ok());
  ASSERT_TRUE(state.Apply("cli", Candidates(BadPolicy("a", {{"v", "2"}})), OnRefusal::kSkip).ok());
  EXPECT_EQ(Policy(state, "a").object.pod_selector.match_labels, (acl::Labels{{"v", "2"}}));
  ASSERT_TRUE(state.Apply("cli", Candidates(DenyAll("a")), OnRefusal::kRefuseAll).ok());
  EXPECT_FALSE(Policy(state, "a").stand_in);
}

struct StandInCase {
  const char* name;
  acl::LabelSelector selector;
  std::vector<std::string> types;
  bool egress_rule;
  bool selects_all;
  std::vector<std::string> isolates;
};

class StandInTest : public ::testing::TestWithParam<StandInCase> {};

TEST_P(StandInTest, IsolatesAtLeastWhatWasMeant) {
  const StandInCase& row = GetParam();
  acl::NetworkPolicy refused = BadPolicy("a");
  refused.pod_selector = row.selector;
  refused.policy_types = row.types;
  if (row.egress_rule) refused.egress.emplace_back();
  const auto stand_in = MakeStandIn({"default", "a"}, &refused);
  ASSERT_TRUE(stand_in.has_value());
  EXPECT_TRUE(acl::Validate(*stand_in).ok());
  EXPECT_EQ(stand_in->pod_selector == acl::LabelSelector{}, row.selects_all);
  EXPECT_EQ(stand_in->policy_types, row.isolates);
  EXPECT_TRUE(stand_in->ingress.empty() && stand_in->egress.empty());
}

const acl::LabelSelector kGoodSelector{{{"app", "x"}}, {}};
const acl::LabelSelector kBadSelector{{}, {{"app", "Like", {"x"}}}};

INSTANTIATE_TEST_SUITE_P(
    Cases, StandInTest,
    ::testing::Values(
        StandInCase{"TypesAbsent", kGoodSelector, {}, false, false, {"Ingress"}},
        StandInCase{"EgressRule", kGoodSelector, {}, true, false, {"Ingress", "Egress"}},
        StandInCase{"EgressOnly", kGoodSelector, {"Egress"}, false, false, {"Egress"}},
        StandInCase{"BadTypes", kGoodSelector, {"Out"}, false, false, {"Ingress", "Egress"}},
        StandInCase{"BadSelector", kBadSelector, {"Ingress"}, false, true, {"Ingress"}}),
    [](const auto& row) { return row.param.name; });

TEST(StandInTest, AnUnreadablePolicyIsolatesItsWholeNamespaceBothWays) {
  const auto stand_in = MakeStandIn({"default", "a"}, nullptr);
  ASSERT_TRUE(stand_in.has_value());
  EXPECT_EQ(stand_in->pod_selector, acl::LabelSelector{});
  EXPECT_THAT(stand_in->policy_types, ElementsAre("Ingress", "Egress"));
}

TEST(StandInTest, ABadNameStillIsolatesAndStillCompiles) {
  const auto stand_in = MakeStandIn({"default", "Not A Name"}, nullptr);
  ASSERT_TRUE(stand_in.has_value());
  EXPECT_TRUE(acl::Validate(*stand_in).ok());
  EXPECT_EQ(stand_in->namespace_name, "default");
  EXPECT_NE(stand_in->name, MakeStandIn({"default", "Another One"}, nullptr)->name);
}

TEST(StandInTest, ANamespaceThatCannotExistNeedsNone) {
  EXPECT_FALSE(MakeStandIn({"", "a"}, nullptr).has_value());
  EXPECT_FALSE(MakeStandIn({"no/such", "a"}, nullptr).has_value());
}

TEST(DesiredStateTest, AnotherSourceMayNeitherReplaceNorDelete) {
  DesiredState state;
  ASSERT_TRUE(state.Apply("watcher", Candidates(DenyAll("a")), OnRefusal::kRefuseAll).ok());
  const DesiredState before = state;

  const auto replaced = state.Apply("cli", Candidates(DenyAll("a")), OnRefusal::kRefuseAll);
  EXPECT_EQ(replaced.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(replaced.status()),
            "NetworkPolicy default/a: belongs to source \"watcher\", not to \"cli\"");
  const auto deleted = state.Delete("cli", std::vector{PolicyKey("a")});
  EXPECT_EQ(deleted.status().code(), absl::StatusCode::kFailedPrecondition);
  const auto skipped = state.Apply("cli", Candidates(BadPolicy("a")), OnRefusal::kSkip);
  ASSERT_TRUE(skipped.ok());
  EXPECT_EQ(skipped->size(), 1u);
  EXPECT_EQ(state, before);
}

TEST(DesiredStateTest, DeleteCountsWhatWasThere) {
  DesiredState state;
  ASSERT_TRUE(
      state.Apply("cli", Candidates(DenyAll("a"), Pod("p", "10.0.0.2")), OnRefusal::kRefuseAll)
          .ok());
  const auto deleted =
      state.Delete("cli", std::vector{PolicyKey("a"), PolicyKey("b"), PodKey("p")});
  ASSERT_TRUE(deleted.ok());
  EXPECT_EQ(*deleted, 2u);
  EXPECT_EQ(state, DesiredState());
}

TEST(DesiredStateTest, AnUnknownKindDeletesNothing) {
  DesiredState state;
  ASSERT_TRUE(state.Apply("cli", Candidates(DenyAll("a")), OnRefusal::kRefuseAll).ok());
  const auto deleted =
      state.Delete("cli", std::vector{PolicyKey("a"), ObjectKey{"Pod", {"default", "p"}}});
  EXPECT_EQ(deleted.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(state.policies().size(), 1u);
}

TEST(DesiredStateTest, ARehearsalRemovesThenAppliesWhoeverTheOwnerIs) {
  DesiredState state;
  ASSERT_TRUE(
      state.Apply("watcher", Candidates(DenyAll("a"), DenyAll("b")), OnRefusal::kSkip).ok());
  const std::vector<ObjectKey> removed = {PolicyKey("a"), PolicyKey("b")};
  ASSERT_TRUE(state.Rehearse(Candidates(DenyAll("b"), DenyAll("c")), removed).ok());
  EXPECT_FALSE(state.policies().contains({"default", "a"}));
  EXPECT_TRUE(state.policies().contains({"default", "b"}));
  EXPECT_TRUE(state.policies().contains({"default", "c"}));
}

TEST(DesiredStateTest, ARehearsalThatIsRefusedChangesNothing) {
  DesiredState state;
  ASSERT_TRUE(state.Apply("watcher", Candidates(DenyAll("a")), OnRefusal::kSkip).ok());
  const DesiredState before = state;
  const std::vector<ObjectKey> there = {PolicyKey("a")}, gone = {PolicyKey("a"), PolicyKey("x")};
  EXPECT_EQ(Message(state.Rehearse({}, gone)), "NetworkPolicy default/x: is not there");
  EXPECT_THAT(Message(state.Rehearse(Candidates(DenyAll("c"), BadPolicy("bad")), there)),
              StartsWith("NetworkPolicy default/bad: spec.ingress[0]"));
  const std::vector<ObjectKey> secret = {{"Secret", {"default", "a"}}};
  EXPECT_EQ(state.Rehearse({}, secret).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(state, before);
}

TEST(DesiredStateTest, SyncSweepsWhatTheSourceNoLongerNamesAndNothingElse) {
  DesiredState state;
  ASSERT_TRUE(state.Apply("cli", Candidates(DenyAll("mine")), OnRefusal::kRefuseAll).ok());
  ASSERT_TRUE(state
                  .Sync("watcher",
                        Candidates(DenyAll("a"), DenyAll("b"), Pod("p", "10.0.0.2"),
                                   acl::Namespace{"default", {}}),
                        "1")
                  .ok());
  const auto refusals = state.Sync("watcher", Candidates(DenyAll("b"), BadPolicy("c")), "2");
  ASSERT_TRUE(refusals.ok());
  EXPECT_EQ(refusals->size(), 1u);
  EXPECT_EQ(state.policies().size(), 3u);  // mine, b, the stand-in of c
  EXPECT_FALSE(state.policies().contains({"default", "a"}));
  EXPECT_TRUE(state.endpoints().empty());
  EXPECT_TRUE(state.namespaces().empty());
  EXPECT_EQ(state.synced_versions().at("watcher"), "2");
}

TEST(DesiredStateTest, SyncKeepsTheAcceptedVersionOfARefusedObject) {
  DesiredState state;
  ASSERT_TRUE(state.Sync("watcher", Candidates(DenyAll("a", {{"v", "1"}})), "1").ok());
  ASSERT_TRUE(state.Sync("watcher", Candidates(BadPolicy("a")), "2").ok());
  EXPECT_FALSE(Policy(state, "a").stand_in);
  EXPECT_EQ(Policy(state, "a").object.pod_selector.match_labels, (acl::Labels{{"v", "1"}}));
}

TEST(DesiredStateTest, ARefusedPodOfANewUidInheritsNothing) {
  DesiredState state;
  ASSERT_TRUE(state.Sync("watcher", Candidates(Pod("p", "10.0.0.2", {}, "old")), "1").ok());
  acl::Endpoint bad = Pod("p", "10.0.0.2", {{"not a key!", ""}}, "old");
  ASSERT_TRUE(state.Sync("watcher", Candidates(bad), "2").ok());
  EXPECT_EQ(state.endpoints().size(), 1u);
  bad.uid = "new";
  ASSERT_TRUE(state.Sync("watcher", Candidates(bad), "3").ok());
  EXPECT_TRUE(state.endpoints().empty());
}

template <typename T>
Candidate WithUid(T object, const std::string& uid) {
  Candidate candidate = Candidate::Of(std::move(object));
  candidate.uid = uid;
  return candidate;
}

TEST(DesiredStateTest, ARefusedPolicyOfANewUidInheritsNothing) {
  for (const std::string old_uid : {"old", ""}) {
    DesiredState state;
    const auto good = std::vector{WithUid(DenyAll("a", {{"v", "1"}}), old_uid)};
    ASSERT_TRUE(state.Sync("watcher", good, "1").ok());
    for (const std::string uid : {"old", "", "new"}) {
      ASSERT_TRUE(state.Sync("watcher", std::vector{WithUid(BadPolicy("a"), uid)}, "2").ok());
      const bool is_another = old_uid == "old" && uid == "new";
      EXPECT_EQ(Policy(state, "a").stand_in, is_another) << old_uid << " " << uid;
      if (is_another) {
        EXPECT_EQ(Policy(state, "a").uid, "new");
      }
    }
  }
}

TEST(DesiredStateTest, AnUnreadablePolicyOfANewUidIsAStandInOverAllThatItCouldMean) {
  DesiredState state;
  const auto good = std::vector{WithUid(DenyAll("a", {{"v", "1"}}), "old")};
  ASSERT_TRUE(state.Sync("watcher", good, "1").ok());
  const Candidate unread{PolicyKey("a"), "new", absl::InvalidArgumentError("spec: is no map")};
  ASSERT_TRUE(state.Sync("watcher", std::vector{unread}, "2").ok());
  EXPECT_TRUE(Policy(state, "a").stand_in);
  EXPECT_TRUE(Policy(state, "a").object.pod_selector.match_labels.empty());
}

TEST(DesiredStateTest, ARefusedObjectOfAnotherUidLeavesAnotherSourcesAlone) {
  DesiredState state;
  const auto mine = std::vector{WithUid(DenyAll("a"), "old")};
  ASSERT_TRUE(state.Sync("cli", mine, "1").ok());
  ASSERT_TRUE(state.Sync("watcher", std::vector{WithUid(BadPolicy("a"), "new")}, "1").ok());
  EXPECT_EQ(Policy(state, "a").source, "cli");
  EXPECT_FALSE(Policy(state, "a").stand_in);
}

TEST(DesiredStateTest, AnObjectThatCouldNotBeReadIsRefusedWithItsReason) {
  DesiredState state;
  const Candidate unread{PodKey("p"), "u",
                         absl::InvalidArgumentError("Pod default/p: addresses[0]: is no IP")};
  const auto refusals = state.Apply("cli", std::vector{unread}, OnRefusal::kSkip);
  ASSERT_TRUE(refusals.ok());
  EXPECT_THAT(*refusals, ElementsAre(Refusal{PodKey("p"), "addresses[0]", "is no IP"}));
}

TEST(StandInTest, AnUnreadablePolicyWithAnOutlineIsolatesWhatTheOutlineSelects) {
  DesiredState state;
  Candidate unread{PolicyKey("p"), "", absl::InvalidArgumentError("spec.x: unknown field")};
  unread.outline = std::make_shared<Object>(DenyAll("p", {{"app", "x"}}));
  ASSERT_TRUE(state.Apply("watcher", std::vector{unread}, OnRefusal::kSkip).ok());
  EXPECT_TRUE(Policy(state, "p").stand_in);
  EXPECT_EQ(Policy(state, "p").object.pod_selector.match_labels, (acl::Labels{{"app", "x"}}));
  EXPECT_THAT(Policy(state, "p").object.policy_types, ElementsAre("Ingress"));
}

TEST(DesiredStateTest, WhatIsRemovedGoesBeforeWhatIsAppliedInTheSameChange) {
  DesiredState state;
  ASSERT_TRUE(state.Apply("w", Candidates(DenyAll("a"), DenyAll("b")), OnRefusal::kSkip).ok());
  const auto refusals =
      state.Apply("w", Candidates(DenyAll("b", {{"v", "2"}}), DenyAll("c")), OnRefusal::kSkip,
                  std::vector{PolicyKey("a"), PolicyKey("b"), PolicyKey("gone")});
  ASSERT_TRUE(refusals.ok());
  EXPECT_THAT(*refusals, IsEmpty());
  EXPECT_EQ(state.policies().size(), 2u);
  EXPECT_EQ(Policy(state, "b").object.pod_selector.match_labels, (acl::Labels{{"v", "2"}}));
}

TEST(DesiredStateTest, WhatMayNotBeRemovedIsListedOrRefusesTheWholeApply) {
  DesiredState state;
  ASSERT_TRUE(state.Apply("cli", Candidates(DenyAll("a")), OnRefusal::kSkip).ok());
  const std::vector removed = {PolicyKey("a"), ObjectKey{"Nonsense", {"", "x"}}};
  EXPECT_EQ(state.Apply("w", {}, OnRefusal::kRefuseAll, removed).status().code(),
            absl::StatusCode::kFailedPrecondition);
  const auto refusals = state.Apply("w", Candidates(DenyAll("b")), OnRefusal::kSkip, removed);
  ASSERT_TRUE(refusals.ok());
  ASSERT_EQ(refusals->size(), 2u);
  EXPECT_THAT((*refusals)[0].reason, HasSubstr("cli"));
  EXPECT_EQ(state.policies().size(), 2u);
}

TEST(DesiredStateTest, AChangeContinuesOnlyFromItsOwnSourcesLastSync) {
  DesiredState state;
  EXPECT_TRUE(state.CheckContinues("w", "").ok());
  EXPECT_EQ(state.CheckContinues("w", "1").code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(state.Sync("w", {}, "1").ok());
  EXPECT_TRUE(state.CheckContinues("w", "1").ok());
  EXPECT_FALSE(state.CheckContinues("other", "1").ok());
  ASSERT_TRUE(state.Sync("w", {}, "2").ok());
  EXPECT_FALSE(state.CheckContinues("w", "1").ok());
}

// A policy of `ports` terms.
acl::NetworkPolicy Sized(const std::string& name, int64_t ports) {
  acl::NetworkPolicy policy = Allow(name, {{"app", "x"}}, 1);
  for (int64_t port = 2; port <= ports; ++port) {
    policy.ingress[0].ports.push_back({"TCP", port, std::nullopt});
  }
  return policy;
}

class NamespaceLimitTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::vector<Refusal>> Apply(std::vector<Candidate> objects,
                                             OnRefusal mode = OnRefusal::kRefuseAll) {
    return state_.Apply("test", objects, mode);
  }
  DesiredState state_{StateLimits{.terms_a_namespace = 10}};
};

TEST_F(NamespaceLimitTest, ThePolicyThatCrossesItIsRefusedWithTheFigures) {
  ASSERT_TRUE(Apply(Candidates(Sized("a", 6))).ok());
  const auto refused = Apply(Candidates(Sized("b", 5)));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(refused.status().message()),
            "NetworkPolicy default/b: spec: with its 5 terms (each peer with each port of a rule) "
            "namespace default would have 11, more than 10");
  EXPECT_TRUE(Apply(Candidates(Sized("b", 4))).ok());
}

TEST_F(NamespaceLimitTest, ABlockThatIsExceptedIsATerm) {
  acl::NetworkPolicy policy = Sized("a", 2);
  policy.ingress[0].peers[0] = {.ip_block = acl::IpBlock{"10.0.0.0/8", {}}};
  for (int i = 0; i < 4; ++i) {
    policy.ingress[0].peers[0].ip_block->except.push_back(fmt::format("10.{}.0.0/16", i));
  }
  EXPECT_TRUE(Apply(Candidates(policy)).ok());
  EXPECT_FALSE(Apply(Candidates(Sized("b", 1))).ok());
}

TEST_F(NamespaceLimitTest, AnotherNamespaceIsNotHeldUp) {
  ASSERT_TRUE(Apply(Candidates(Sized("a", 10))).ok());
  acl::NetworkPolicy other = Sized("a", 10);
  other.namespace_name = "other";
  EXPECT_TRUE(Apply(Candidates(other)).ok());
}

TEST_F(NamespaceLimitTest, WhatAPolicyWasMakesRoomForWhatItBecomes) {
  ASSERT_TRUE(Apply(Candidates(Sized("a", 10))).ok());
  EXPECT_TRUE(Apply(Candidates(Sized("a", 9))).ok());
  EXPECT_TRUE(Apply(Candidates(Sized("b", 1))).ok());
  ASSERT_TRUE(state_.Delete("test", std::vector{PolicyKey("a")}).ok());
  EXPECT_TRUE(Apply(Candidates(Sized("c", 9))).ok());
  EXPECT_FALSE(Apply(Candidates(Sized("d", 1))).ok());
}

TEST_F(NamespaceLimitTest, ThoseThatFitAloneButNotTogetherChangeNothing) {
  const DesiredState before = state_;
  EXPECT_FALSE(Apply(Candidates(Sized("a", 6), Sized("b", 6))).ok());
  EXPECT_TRUE(state_ == before);
  EXPECT_TRUE(Apply(Candidates(Sized("c", 10))).ok()) << "nor does anything count";
}

TEST_F(NamespaceLimitTest, WhereBadObjectsAreSkippedTheOneThatCrossesItIsolates) {
  const auto refusals =
      Apply(Candidates(Sized("a", 6), Sized("b", 6), Sized("c", 2)), OnRefusal::kSkip);
  ASSERT_TRUE(refusals.ok()) << refusals.status();
  ASSERT_EQ(refusals->size(), 1u);
  EXPECT_EQ(refusals->front().key, PolicyKey("b"));
  EXPECT_EQ(refusals->front().field, "spec");
  EXPECT_TRUE(state_.policies().at({"default", "b"}).stand_in);
  EXPECT_FALSE(state_.policies().at({"default", "c"}).stand_in);
}

TEST_F(NamespaceLimitTest, ASyncCountsWhatIsToBeThereAlone) {
  ASSERT_TRUE(Apply(Candidates(Sized("a", 10))).ok());
  const auto refusals = state_.Sync("test", Candidates(Sized("b", 10)), "1");
  ASSERT_TRUE(refusals.ok()) << refusals.status();
  EXPECT_TRUE(refusals->empty());
}

}  // namespace
}  // namespace sluice::control
