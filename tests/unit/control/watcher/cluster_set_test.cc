#include "control/watcher/cluster_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/control/watcher/items.h"

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class ClusterSetTest : public testing::Test {
 protected:
  // Everything known, and taken.
  void Take() {
    Replace(set_, "Endpoint", Pod("a", "10.0.0.1"), Pod("b", "10.0.0.2"));
    Replace(set_, "NetworkPolicy", DenyAll("p"));
    ASSERT_TRUE(set_.TakeAll());
  }
  std::vector<std::string> Changes() {
    const auto batch = set_.TakeChanges();
    return batch ? Names(*batch) : std::vector<std::string>{};
  }

  ClusterSet::Time now_{1h};
  ClusterSet set_{{"Endpoint", "NetworkPolicy"}, [this] { return now_; }};
};

TEST_F(ClusterSetTest, NothingCanBeTakenBeforeEveryKindIsKnown) {
  EXPECT_FALSE(set_.TakeAll());
  Replace(set_, "Endpoint", Pod("a", "10.0.0.1"));
  Put(set_, DenyAll("early"));
  EXPECT_FALSE(set_.TakeAll());
  EXPECT_FALSE(set_.TakeChanges());
  Replace(set_, "NetworkPolicy");
  const auto all = set_.TakeAll();
  ASSERT_TRUE(all);
  EXPECT_THAT(Names(*all), ElementsAre("Pod default/a"));
  EXPECT_FALSE(set_.TakeChanges());
}

TEST_F(ClusterSetTest, AnObjectThatReadsTheSameUnderAnotherUidHasChanged) {
  Replace(set_, "Endpoint");
  Replace(set_, "NetworkPolicy");
  Put(set_, DenyAll("p"), "old");
  ASSERT_TRUE(set_.TakeAll());
  Put(set_, DenyAll("p"), "old");
  EXPECT_THAT(Changes(), IsEmpty());
  Put(set_, DenyAll("p"), "new");
  EXPECT_THAT(Changes(), ElementsAre("NetworkPolicy default/p", "-NetworkPolicy default/p"));
}

TEST_F(ClusterSetTest, AnObjectThatReadsTheSameInAnotherGenerationHasChanged) {
  Replace(set_, "Endpoint");
  Replace(set_, "NetworkPolicy");
  ClusterSet::Item item = ItemOf(DenyAll("p"));
  item.generation = 1;
  set_.Put(PolicyKey("p"), item);
  ASSERT_TRUE(set_.TakeAll());
  set_.Put(PolicyKey("p"), item);
  EXPECT_THAT(Changes(), IsEmpty());
  item.generation = 2;
  set_.Put(PolicyKey("p"), item);
  EXPECT_THAT(Changes(), ElementsAre("NetworkPolicy default/p"));
}

TEST_F(ClusterSetTest, ChangesAreOneForEachObjectHoweverOftenItChanged) {
  Take();
  Put(set_, Pod("a", "10.0.0.3"));
  Put(set_, Pod("a", "10.0.0.4"));
  Put(set_, Pod("c", "10.0.0.5"));
  set_.Remove(PodKey("c"), "");
  set_.Remove(PolicyKey("p"), "");
  Put(set_, DenyAll("p", {{"v", "2"}}));
  const auto batch = set_.TakeChanges();
  ASSERT_TRUE(batch);
  EXPECT_THAT(Names(*batch), ElementsAre("Pod default/a", "NetworkPolicy default/p",
                                         "-Pod default/c", "-NetworkPolicy default/p"));
  EXPECT_EQ(std::get<acl::Endpoint>(*batch->objects[0].candidate->object).addresses[0],
            Ip("10.0.0.4"));
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(ClusterSetTest, WhatReadsTheSameHasNotChanged) {
  Take();
  Put(set_, Pod("a", "10.0.0.1"));
  Replace(set_, "NetworkPolicy", DenyAll("p"));
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(ClusterSetTest, ReplacingAKindSweepsWhatIsGoneAndNoOtherKind) {
  Take();
  Replace(set_, "Endpoint", Pod("b", "10.0.0.2"), Pod("c", "10.0.0.3"));
  EXPECT_THAT(Changes(), ElementsAre("Pod default/c", "-Pod default/a"));
  Replace(set_, "NetworkPolicy");
  EXPECT_THAT(Changes(), ElementsAre("-NetworkPolicy default/p"));
}

TEST_F(ClusterSetTest, TheDeathOfAnOldPodDoesNotTakeTheNewOneOfItsName) {
  Take();
  Put(set_, Pod("sts-0", "10.0.0.7", {}, "old"), "old");
  Put(set_, Pod("sts-0", "10.0.0.8", {}, "new"), "new");
  set_.Remove(PodKey("sts-0"), "old");
  EXPECT_THAT(Changes(), ElementsAre("Pod default/sts-0", "-Pod default/sts-0"))
      << "the old one goes first, in the same change";
  set_.Remove(PodKey("sts-0"), "new");
  EXPECT_THAT(Changes(), ElementsAre("-Pod default/sts-0"));
}

TEST_F(ClusterSetTest, AnObjectThatCannotBeReadHasChangedWithItsReasonItsOutlineAndItsUid) {
  Take();
  const auto unreadable = [](const std::string& why, std::shared_ptr<const Object> outline,
                             const std::string& uid) {
    return std::make_shared<const Candidate>(
        Candidate{PolicyKey("p"), uid, absl::InvalidArgumentError(why), std::move(outline)});
  };
  const auto closed = [] { return std::make_shared<const Object>(DenyAll("p")); };
  const auto other = std::make_shared<const Object>(DenyAll("p", {{"app", "web"}}));
  const SharedCandidate versions[] = {unreadable("x", nullptr, "u"), unreadable("y", nullptr, "u"),
                                      unreadable("y", closed(), "u"), unreadable("y", other, "u"),
                                      unreadable("y", closed(), "v")};
  for (const SharedCandidate& version : versions) {
    set_.Put(PolicyKey("p"), {version, "u"});
    EXPECT_THAT(Changes(), ElementsAre("NetworkPolicy default/p"));
    set_.Put(PolicyKey("p"), {std::make_shared<const Candidate>(*version), "u"});
    EXPECT_THAT(Changes(), IsEmpty());
  }
}

TEST_F(ClusterSetTest, WhatIsToBeSentAgainIsAChangeIfItIsThere) {
  Take();
  set_.SendAgain({PolicyKey("p"), PolicyKey("nowhere")});
  EXPECT_THAT(Changes(), ElementsAre("NetworkPolicy default/p"));
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(ClusterSetTest, AKindThatIsOnlyCountedIsNeverTaken) {
  Take();
  const ObjectKey key{"NetworkAttachmentDefinition", {"x", "n"}};
  set_.Put(key, {nullptr, "u"});
  EXPECT_THAT(Changes(), IsEmpty());
  EXPECT_EQ(set_.Counts()["NetworkAttachmentDefinition"], 1u);
  EXPECT_EQ(set_.TakeAll()->objects.size(), 3u);
  set_.Remove(key, "u");
  EXPECT_THAT(Changes(), IsEmpty());
  EXPECT_EQ(set_.Counts()["NetworkAttachmentDefinition"], 0u);
}

TEST_F(ClusterSetTest, AChangeIsAsOldAsItsFirstEvent) {
  Take();
  const auto first = now_;
  Put(set_, Pod("a", "10.0.0.3"));
  now_ += 5s;
  Put(set_, Pod("a", "10.0.0.4"));
  EXPECT_THAT(set_.TakeChanges()->read, ElementsAre(testing::Pair(testing::_, first)));
}

// Each returns at once; a wait that did not would be for an hour.
TEST_F(ClusterSetTest, AWaitEndsWithAChangeAndWithTheEnd) {
  Replace(set_, "Endpoint");
  std::thread writer([&] { Replace(set_, "NetworkPolicy"); });
  set_.Wait(1h, true);
  writer.join();
  ASSERT_TRUE(set_.TakeAll());
  writer = std::thread([&] { Put(set_, Pod("a", "10.0.0.3")); });
  set_.Wait(1h, true);
  writer.join();
  writer = std::thread([&] { set_.Close(); });
  set_.Wait(1h, false);
  writer.join();
  EXPECT_TRUE(set_.closed());
}

}  // namespace
}  // namespace sluice::control
