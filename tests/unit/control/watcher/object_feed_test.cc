#include "control/watcher/object_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/control/kube/watch/scripted_api.h"
#include "tests/unit/control/watcher/items.h"

namespace sluice::control {
namespace {

using testing::HasSubstr;

class ObjectFeedTest : public testing::Test {
 protected:
  static StreamedObject Named(const std::string& name, size_t bytes) {
    return {"", {"", name, "u", "1"}, {{"metadata", {{"name", name}}}}, absl::OkStatus(), bytes};
  }

  static const WatchedKind& Kind(const std::string& kind) {
    return *std::ranges::find(WatchedKinds(), kind, &WatchedKind::kind);
  }
  // As the API has a policy that cannot be read.
  static StreamedObject Unreadable(const std::string& version, int64_t generation) {
    StreamedObject object = Named("p", 1);
    object.identity.resource_version = version;
    object.tree["metadata"]["generation"] = generation;
    return object;
  }
  void Judge(int64_t generation) {
    const ObjectKey key{"ClusterNetworkPolicy", {"", "p"}};
    conditions_.Judge({key, "u", generation, Refusal{key, "spec", "is missing"}});
  }
  size_t Written() {
    now_ += std::chrono::seconds(1);
    timers_.RunDue();
    return transport_.asked.size();
  }

  TimerQueue::Time now_{};
  TimerQueue timers_{[this] { return now_; }};
  ScriptedTransport transport_;
  ConditionWriter conditions_{transport_, timers_,
                              [] { return std::chrono::system_clock::time_point(); }, "n1",
                              [] { return 0.0; }};
  ClusterSet set_{{"Namespace", "ClusterNetworkPolicy"}, [] { return ClusterSet::Time(); }};
  ObjectFeed feed_{Kind("Namespace"), set_, conditions_};
  ObjectFeed policies_{Kind("ClusterNetworkPolicy"), set_, conditions_};
};

TEST_F(ObjectFeedTest, WhatAListAndAWatchHaveOfAPolicyIsWhatItsConditionIsHeldAgainst) {
  policies_.OnListBegin();
  EXPECT_TRUE(policies_.OnListed(Unreadable("7", 3)).ok());
  policies_.OnListEnd();
  Judge(3);
  EXPECT_EQ(Written(), 1u);
  transport_.Answer(200);
  StreamedObject changed = Unreadable("8", 4);
  changed.tree["status"]["conditions"] = {
      {{"type", kAcceptedCondition}, {"status", "False"}, {"observedGeneration", 4}}};
  policies_.OnChanged(std::move(changed));
  Judge(4);
  EXPECT_EQ(Written(), 1u);
  policies_.OnChanged(Unreadable("9", 5));
  policies_.OnDeleted({"", "p", "u", "10"});
  Judge(5);
  EXPECT_EQ(Written(), 1u);
}

TEST_F(ObjectFeedTest, ItsOwnConditionMakesAnUnreadablePolicyNoChange) {
  feed_.OnListBegin();
  feed_.OnListEnd();
  policies_.OnListBegin();
  EXPECT_TRUE(policies_.OnListed(Unreadable("7", 3)).ok());
  policies_.OnListEnd();
  ASSERT_TRUE(set_.TakeAll());
  StreamedObject written = Unreadable("8", 3);
  written.tree["status"]["conditions"] = {
      {{"type", kAcceptedCondition}, {"status", "False"}, {"observedGeneration", 3}}};
  policies_.OnChanged(std::move(written));
  EXPECT_FALSE(set_.TakeChanges());
  policies_.OnChanged(Unreadable("9", 4));
  EXPECT_TRUE(set_.TakeChanges());
}

TEST_F(ObjectFeedTest, APolicyIsJudgedInTheGenerationItWasListedWith) {
  feed_.OnListBegin();
  feed_.OnListEnd();
  policies_.OnListBegin();
  EXPECT_TRUE(policies_.OnListed(Unreadable("7", 3)).ok());
  policies_.OnListEnd();
  const auto all = set_.TakeAll();
  ASSERT_TRUE(all);
  const std::vector<Judgement> judged =
      JudgementsOf(*all, {{{"ClusterNetworkPolicy", {"", "p"}}, "spec", "is missing"}});
  ASSERT_EQ(judged.size(), 1u);
  EXPECT_EQ(judged[0].generation, 3);
  EXPECT_TRUE(judged[0].refusal);
  EXPECT_FALSE(JudgementsOf(*all, {})[0].refusal);
}

TEST_F(ObjectFeedTest, AListHasABoundAndTheNextOneStartsFromNothing) {
  policies_.OnListBegin();
  policies_.OnListEnd();
  feed_.OnListBegin();
  EXPECT_TRUE(feed_.OnListed(Named("a", ObjectFeed::kMaxListedBytes)).ok());
  const absl::Status status = feed_.OnListed(Named("b", 1));
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("more than 512 MiB"));
  EXPECT_FALSE(set_.TakeAll());
  feed_.OnListBegin();
  EXPECT_TRUE(feed_.OnListed(Named("b", 1)).ok());
  feed_.OnListEnd();
  const auto all = set_.TakeAll();
  ASSERT_TRUE(all);
  EXPECT_THAT(Names(*all), testing::ElementsAre("Namespace b"));
}

}  // namespace
}  // namespace sluice::control
