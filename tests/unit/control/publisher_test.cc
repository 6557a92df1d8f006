#include "control/publisher.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/control/objects.h"
#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

using dataplane::SubjectState;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSource[] = "test";
constexpr size_t kMaxRules = 8;  // few: a bigger policy fails the build

class PublisherTest : public ::testing::Test {
 protected:
  PublisherTest() {
    PublisherConfig config;
    config.build_limits.trie.max_rules = kMaxRules;
    auto created = Publisher::Create(fixture_.data_plane(), config);
    EXPECT_TRUE(created.ok()) << created.status();
    publisher_ = *std::move(created);
  }

  static Command Apply(Object object) {
    return ApplyCommand{kSource, {Candidate::Of(std::move(object))}, OnRefusal::kRefuseAll};
  }
  static dataplane::PortSpec WebPort() {
    return RingPort("web", "web", "02:00:00:00:00:01", "10.0.0.2");
  }
  // A policy of more flat rules than the trie may have.
  static acl::NetworkPolicy TooBig(const std::string& name) {
    acl::NetworkPolicy policy = Allow(name, {{"app", "x"}}, 80);
    for (int64_t port = 100; port < 100 + 10 * int64_t{kMaxRules}; port += 10) {
      policy.ingress[0].ports.push_back({"TCP", port, std::nullopt});
    }
    return policy;
  }

  Result One(Command command) { return std::move(publisher_->Process({&command, 1}).front()); }
  std::vector<Result> All(std::vector<Command> batch) { return publisher_->Process(batch); }
  const DesiredState& state() { return *publisher_->view()->state; }
  dataplane::Switch& data_plane() { return fixture_.data_plane(); }
  SubjectState SubjectOf(const std::string& port) {
    const auto view = publisher_->view();
    return view->snapshot->ports[view->places.at(port).attached.id].subject;
  }

  SwitchFixture fixture_;
  std::unique_ptr<Publisher> publisher_;
};

TEST_F(PublisherTest, TheEmptyStateIsPublishedFirst) {
  EXPECT_EQ(data_plane().epoch(), 1u);
  EXPECT_EQ(publisher_->view()->snapshot->epoch, 1u);
}

TEST_F(PublisherTest, AResultNamesAnEpochThatTheWorkersRun) {
  const Result result = One(Apply(DenyAll("a")));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->epoch, 1u);
  EXPECT_GE(data_plane().epoch(), result->epoch);
}

TEST_F(PublisherTest, ABatchIsOnePublication) {
  const auto results =
      All({Apply(DenyAll("a")), Apply(Pod("web", "10.0.0.2")), Apply(DenyAll("b"))});
  for (const Result& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->epoch, 2u);
  }
  EXPECT_EQ(data_plane().epoch(), 2u);
}

TEST_F(PublisherTest, WhatChangesNothingPublishesNothing) {
  ASSERT_TRUE(One(Apply(DenyAll("a"))).ok());
  const uint64_t epoch = data_plane().epoch();
  const Result again = One(Apply(DenyAll("a")));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->epoch, epoch);
  EXPECT_EQ(data_plane().epoch(), epoch);
}

TEST_F(PublisherTest, ABadObjectIsRefusedAndWhatWasInForceStays) {
  ASSERT_TRUE(One(Apply(DenyAll("a"))).ok());
  const auto before = publisher_->view();
  const Result refused = One(Apply(BadPolicy("a")));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("NetworkPolicy default/a: spec."));
  EXPECT_EQ(publisher_->view(), before);
}

// The subject of policies: a build with rules needs a local pod.
class PublisherWithPodTest : public PublisherTest {
 protected:
  PublisherWithPodTest() {
    const auto results = All({AddPortCommand{WebPort()}, Apply(Pod("web", "10.0.0.9")),
                              Apply(Pod("peer", "10.0.0.3", {{"app", "x"}}))});
    for (const Result& result : results) EXPECT_TRUE(result.ok()) << result.status();
  }
};

TEST_F(PublisherWithPodTest, AFailedBuildIsRolledBackAndStatusSaysSo) {
  const auto before = publisher_->view();
  const Result failed = One(Apply(TooBig("big")));
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kResourceExhausted) << failed.status();
  const auto after = publisher_->view();
  EXPECT_EQ(after->snapshot, before->snapshot);
  EXPECT_EQ(after->state, before->state);
  EXPECT_EQ(after->last_error, std::string(failed.status().message()));
  EXPECT_EQ(data_plane().epoch(), before->snapshot->epoch);

  ASSERT_TRUE(One(Apply(DenyAll("a"))).ok());
  EXPECT_THAT(publisher_->view()->last_error, IsEmpty());
}

TEST_F(PublisherWithPodTest, AFailedBuildIsOverWhenWhatIsInForceIsAskedForAgain) {
  ASSERT_FALSE(One(Apply(TooBig("big"))).ok());
  ASSERT_FALSE(One(Apply(BadPolicy("bad"))).ok());
  EXPECT_NE(publisher_->view()->last_error, "");
  const auto before = publisher_->view();
  ASSERT_TRUE(One(DeleteCommand{"another", {PolicyKey("big")}}).ok());
  EXPECT_NE(publisher_->view()->last_error, "") << "of another's objects";
  ASSERT_TRUE(One(DeleteCommand{kSource, {PolicyKey("big")}}).ok());
  EXPECT_EQ(publisher_->view()->snapshot, before->snapshot);
  EXPECT_EQ(publisher_->view()->last_error, "");
  EXPECT_EQ(publisher_->view()->failed_builds, before->failed_builds);
}

TEST_F(PublisherWithPodTest, OneThatCannotBeBuiltDoesNotFailItsNeighbours) {
  const auto results = All({Apply(DenyAll("a")), Apply(TooBig("big")),
                            AddPortCommand{UplinkPort("up")}, Apply(DenyAll("b"))});
  EXPECT_TRUE(results[0].ok()) << results[0].status();
  EXPECT_EQ(results[1].status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(results[2].ok()) << results[2].status();
  EXPECT_TRUE(results[3].ok()) << results[3].status();
  EXPECT_TRUE(state().policies().contains({"default", "a"}));
  EXPECT_TRUE(state().policies().contains({"default", "b"}));
  EXPECT_FALSE(state().policies().contains({"default", "big"}));
  EXPECT_TRUE(publisher_->view()->places.contains("up"));
}

TEST_F(PublisherWithPodTest, OfManyOnlyThoseThatCannotBeBuiltFail) {
  std::vector<Command> batch;
  for (int i = 0; i < 20; ++i) {
    const std::string name = fmt::format("p{}", i);
    batch.push_back(Apply(i % 7 == 3 ? TooBig(name) : DenyAll(name)));
  }
  const auto results = All(batch);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results[i].ok(), i % 7 != 3) << i;
  EXPECT_EQ(state().policies().size(), 17u);
}

TEST_F(PublisherWithPodTest, ARefusedNeighbourIsNotRetriedIntoSuccess) {
  const auto results = All({Apply(BadPolicy("bad")), Apply(DenyAll("a"))});
  EXPECT_EQ(results[0].status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(results[1].ok());
}

TEST_F(PublisherWithPodTest, EqualRulesKeepTheirTrieAndTheirVerdicts) {
  ASSERT_TRUE(One(Apply(Allow("a", {{"app", "x"}}, 80))).ok());
  const auto before = publisher_->view();
  // A remote pod of a known class: only the address map changes.
  ASSERT_TRUE(One(Apply(Pod("peer2", "10.0.0.4", {{"app", "x"}}))).ok());
  const auto after = publisher_->view();
  EXPECT_EQ(after->policy->base.in_force.classifier, before->policy->base.in_force.classifier);
  EXPECT_NE(after->policy->base.addresses, before->policy->base.addresses);
  EXPECT_GT(after->snapshot->verdict_epoch, before->snapshot->verdict_epoch);
}

TEST_F(PublisherTest, APortIsShutUntilItsPodIsKnown) {
  const Result added = One(AddPortCommand{WebPort()});
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_NE(added->port, dataplane::kNoPort);
  EXPECT_EQ(SubjectOf("web"), SubjectState::kUnknown);
  ASSERT_TRUE(One(Apply(Pod("web", ""))).ok());
  EXPECT_EQ(SubjectOf("web"), SubjectState::kKnown);
  ASSERT_TRUE(One(DeleteCommand{kSource, {PodKey("web")}}).ok());
  EXPECT_EQ(SubjectOf("web"), SubjectState::kUnknown);
}

TEST_F(PublisherTest, ADeletedPortLeavesNothingBehind) {
  ASSERT_TRUE(One(AddPortCommand{WebPort()}).ok());
  ASSERT_TRUE(One(DeletePortCommand{"web"}).ok());
  EXPECT_TRUE(publisher_->view()->places.empty());
  EXPECT_TRUE(state().ports().specs().empty());
  // The device is closed and its slot free: the same port can be opened anew.
  const Result again = One(AddPortCommand{WebPort()});
  EXPECT_TRUE(again.ok()) << again.status();
}

TEST_F(PublisherTest, APortThatCannotBeOpenedLeavesNothingBehind) {
  dataplane::PortSpec spec = WebPort();
  spec.kind = dataplane::PortKind::kAfPacket;
  spec.path = "no-such-if0";
  const auto before = publisher_->view();
  const Result refused = One(AddPortCommand{spec});
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("port web: "));
  EXPECT_EQ(publisher_->view(), before);
  EXPECT_TRUE(One(AddPortCommand{WebPort()}).ok());
}

TEST_F(PublisherWithPodTest, APortWhoseBuildFailsIsClosedAgain) {
  // The new local subject selected by a policy that is too big once it has a subject.
  acl::NetworkPolicy big = TooBig("big");
  big.pod_selector.match_labels = {{"app", "y"}};
  ASSERT_TRUE(One(Apply(big)).ok());
  ASSERT_TRUE(One(Apply(Pod("late", "10.0.0.5", {{"app", "y"}}))).ok());
  const auto spec = RingPort("late", "late", "02:00:00:00:00:05", "10.0.0.5");
  const Result failed = One(AddPortCommand{spec});
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kResourceExhausted) << failed.status();
  EXPECT_FALSE(publisher_->view()->places.contains("late"));
  ASSERT_TRUE(One(DeleteCommand{kSource, {PolicyKey("big")}}).ok());
  const Result again = One(AddPortCommand{spec});
  EXPECT_TRUE(again.ok()) << again.status();
}

// One of many objects makes more rules than a trie may have.
TEST_F(PublisherWithPodTest, WhereBadObjectsAreSkippedOneThatDoesNotFitHoldsUpNoOther) {
  std::vector<Candidate> objects = Candidates(Pod("p1", "10.0.0.11"), DenyAll("a"), TooBig("big"),
                                              Pod("p2", "10.0.0.12"), DenyAll("b"));
  const Result result = One(ApplyCommand{kSource, objects, OnRefusal::kSkip});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->refusals.size(), 1u);
  EXPECT_EQ(result->refusals[0].key, PolicyKey("big"));
  EXPECT_THAT(result->refusals[0].reason, HasSubstr("exceed the limit of 8"));
  EXPECT_TRUE(state().policies().at({"default", "big"}).stand_in);
  EXPECT_TRUE(state().policies().contains({"default", "b"}));
  EXPECT_TRUE(state().endpoints().contains({"default", "p2"}));
  EXPECT_EQ(publisher_->view()->last_error, "");
  EXPECT_EQ(publisher_->view()->failed_builds, 1u);
}

TEST_F(PublisherWithPodTest, ASyncGoesOnWithoutWhatDoesNotFit) {
  std::vector<Candidate> objects =
      Candidates(Pod("web", "10.0.0.2"), Pod("peer", "10.0.0.3", {{"app", "x"}}), TooBig("big"),
                 DenyAll("a"), TooBig("bigger"));
  const Result result = One(SyncCommand{kSource, objects, "7"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->refusals.size(), 2u);
  EXPECT_TRUE(state().policies().contains({"default", "a"}));
  EXPECT_EQ(state().synced_versions().at(kSource), "7");
}

TEST_F(PublisherTest, ANetworkKeepsItsSlotWhileOthersComeAndGo) {
  const auto slot = [&](const std::string& name) {
    return publisher_->view()->networks.at(name).id;
  };
  for (const char* name : {"blue", "red"}) {
    ASSERT_TRUE(One(AddNetworkCommand{Network(name)}).ok());
  }
  EXPECT_EQ(slot("default"), 0);
  const auto red = slot("red");
  EXPECT_NE(red, slot("blue"));
  ASSERT_TRUE(One(DeleteNetworkCommand{"blue"}).ok());
  EXPECT_EQ(slot("red"), red);
  ASSERT_TRUE(One(AddNetworkCommand{Network("a")}).ok());
  EXPECT_EQ(slot("red"), red);
  EXPECT_NE(slot("a"), red);
  EXPECT_EQ(publisher_->view()->snapshot->networks[red].name, "red");
}

TEST_F(PublisherWithPodTest, NetworkPoliciesDoNotReachOtherNetworks) {
  dataplane::PortSpec blue = WebPort();
  blue.name = "blue";
  blue.network = "blue";
  const auto results =
      All({AddNetworkCommand{Network("blue")}, AddPortCommand{blue}, Apply(DenyAll("deny"))});
  for (const Result& result : results) ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(SubjectOf("blue"), SubjectState::kKnown);
  const auto view = publisher_->view();
  EXPECT_FALSE(view->networks.at("default").policy->base.in_force.rules->rules.empty());
  EXPECT_TRUE(view->networks.at("blue").policy->base.in_force.rules->rules.empty());
}

TEST_F(PublisherWithPodTest, ANetworkThatAChangeDoesNotConcernKeepsItsParts) {
  dataplane::PortSpec blue = WebPort();
  blue.name = "blue";
  blue.network = "blue";
  for (const Result& result : All({AddNetworkCommand{Network("blue")}, AddPortCommand{blue}})) {
    ASSERT_TRUE(result.ok()) << result.status();
  }
  const auto before = publisher_->view();
  ASSERT_TRUE(One(Apply(DenyAll("deny"))).ok());
  const auto after = publisher_->view();
  EXPECT_EQ(after->networks.at("blue").policy, before->networks.at("blue").policy);
  EXPECT_EQ(after->networks.at("blue").learned, before->networks.at("blue").learned);
  EXPECT_EQ(after->networks.at("default").learned, before->networks.at("default").learned);
  EXPECT_NE(after->networks.at("default").policy, before->networks.at("default").policy);
}

TEST_F(PublisherTest, DeleteAndAddOfOnePortInABatchWork) {
  ASSERT_TRUE(One(AddPortCommand{WebPort()}).ok());
  const auto results = All({DeletePortCommand{"web"}, AddPortCommand{WebPort()},
                            DeletePortCommand{"web"}, AddPortCommand{WebPort()}});
  for (const Result& result : results) EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(publisher_->view()->places.size(), 1u);
}

TEST_F(PublisherTest, AddAndDeleteOfOnePortInABatchLeaveNothing) {
  const auto results = All({AddPortCommand{WebPort()}, DeletePortCommand{"web"}});
  for (const Result& result : results) EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(publisher_->view()->places.empty());
  EXPECT_TRUE(One(AddPortCommand{WebPort()}).ok());
}

TEST_F(PublisherTest, APortKeepsItsWorkerAndItsSlotWhileOthersComeAndGo) {
  ASSERT_TRUE(One(AddPortCommand{WebPort()}).ok());
  ASSERT_TRUE(One(AddPortCommand{UplinkPort("up")}).ok());
  const PortPlaces before = publisher_->view()->places;
  if (data_plane().worker_count() > 1) {
    EXPECT_NE(before.at("web").worker, before.at("up").worker);
  }
  ASSERT_TRUE(One(DeletePortCommand{"web"}).ok());
  const PortPlaces after = publisher_->view()->places;
  EXPECT_EQ(after.at("up").worker, before.at("up").worker);
  EXPECT_EQ(after.at("up").attached.id, before.at("up").attached.id);
}

TEST_F(PublisherTest, AMovedPortIsPolledByItsNewWorkerOnly) {
  if (data_plane().worker_count() < 2) GTEST_SKIP() << "one CPU, one worker: nowhere to move to";
  ASSERT_TRUE(One(AddPortCommand{WebPort()}).ok());
  const PortPlace before = publisher_->view()->places.at("web");
  const Result moved = One(MovePortCommand{"web", 1 - before.worker});
  ASSERT_TRUE(moved.ok()) << moved.status();
  const auto view = publisher_->view();
  EXPECT_EQ(moved->epoch, data_plane().epoch());
  EXPECT_EQ(view->places.at("web").worker, 1 - before.worker);
  EXPECT_THAT(view->snapshot->polled[before.worker], IsEmpty());
  EXPECT_EQ(view->snapshot->polled[1 - before.worker].size(), 1u);

  const uint64_t epoch = data_plane().epoch();
  ASSERT_TRUE(One(MovePortCommand{"web", 1 - before.worker}).ok());
  EXPECT_EQ(data_plane().epoch(), epoch) << "it is there already";
}

TEST_F(PublisherTest, WorkersGoToRestAndComeBack) {
  if (data_plane().worker_count() < 2) GTEST_SKIP() << "one CPU, one worker";
  ASSERT_TRUE(One(AddPortCommand{WebPort()}).ok());
  const unsigned first = publisher_->view()->places.at("web").worker;
  const Result removed = One(RemoveWorkerCommand{first, 7});
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(removed->epoch, data_plane().epoch());
  EXPECT_EQ(publisher_->view()->places.at("web").worker, 1 - first);
  EXPECT_THAT(publisher_->view()->snapshot->polled[first], IsEmpty());
  EXPECT_EQ(One(RemoveWorkerCommand{first, 7}).status().message(),
            "worker on core 7: is at rest already");
  EXPECT_EQ(One(RemoveWorkerCommand{1 - first, 8}).status().message(),
            "worker on core 8: is the last one, its ports need it");
  EXPECT_EQ(One(MovePortCommand{"web", first}).status().message(),
            fmt::format("port web: worker {} is at rest (sluicectl worker add)", first));

  ASSERT_TRUE(One(AddWorkerCommand{first, 7}).ok());
  EXPECT_EQ(One(AddWorkerCommand{first, 7}).status().message(), "worker on core 7: polls already");
  ASSERT_TRUE(One(MovePortCommand{"web", first}).ok());
  EXPECT_EQ(publisher_->view()->places.at("web").worker, first);
}

TEST_F(PublisherTest, AMoveToNowhereOrOfNobodyIsRefused) {
  ASSERT_TRUE(One(AddPortCommand{WebPort()}).ok());
  EXPECT_EQ(One(MovePortCommand{"wbe", 0}).status().message(), "port wbe: does not exist");
  EXPECT_EQ(
      One(MovePortCommand{"web", 7}).status().message(),
      fmt::format("port web: worker: 7 is not one of 0 to {}", data_plane().worker_count() - 1));
}

}  // namespace
}  // namespace sluice::control
