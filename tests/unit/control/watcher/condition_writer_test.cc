// When the condition is written, and what is done when it cannot be.
#include "control/watcher/condition_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/control/kube/watch/scripted_api.h"

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const ObjectKey kPolicy{"AdminNetworkPolicy", {"", "a"}};
const ObjectKey kOther{"AdminNetworkPolicy", {"", "b"}};

class ConditionWriterTest : public testing::Test {
 protected:
  static ObjectState State(const std::string& version, int64_t generation,
                           std::optional<AcceptedCondition> condition = {}) {
    return {"u", version, generation, std::move(condition)};
  }
  void Judge(const ObjectKey& key, int64_t generation, bool refused) {
    Judgement judgement{key, "u", generation, {}};
    if (refused) judgement.refusal = Refusal{key, "spec.priority", "is bad"};
    writer_.Judge(judgement);
  }
  void Pass(std::chrono::milliseconds time) {
    now_ += time;
    timers_.RunDue();
  }
  size_t Asked() const { return transport_.asked.size(); }

  TimerQueue::Time now_{1h};
  TimerQueue timers_{[this] { return now_; }};
  ScriptedTransport transport_;
  ConditionWriter writer_{transport_, timers_,
                          [] { return std::chrono::system_clock::time_point(1s); }, "n1",
                          [] { return 0.0; }};
};

TEST_F(ConditionWriterTest, ARefusalIsAServerSideApplyOfTheOneConditionAtTheVersionItWasSeen) {
  writer_.See(kPolicy, State("7", 3), false);
  Judge(kPolicy, 3, true);
  EXPECT_EQ(Asked(), 0u);
  Pass(ConditionWriter::kFirstWait);
  ASSERT_EQ(Asked(), 1u);
  const HttpRequest& request = transport_.asked.back();
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.target,
            "/apis/policy.networking.k8s.io/v1alpha1/adminnetworkpolicies/a/status"
            "?fieldManager=sluice-watcher&force=true");
  EXPECT_EQ(request.content_type, "application/apply-patch+yaml");
  EXPECT_EQ(json::parse(request.body), json::parse(R"({
      "apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy",
      "metadata": {"name": "a", "uid": "u", "resourceVersion": "7"},
      "status": {"conditions": [{
          "type": "sluice.io/Accepted", "status": "False", "reason": "RefusedBySluice",
          "message": "node n1: spec.priority: is bad", "observedGeneration": 3,
          "lastTransitionTime": "1970-01-01T00:00:01Z"}]}})"));
}

TEST_F(ConditionWriterTest, AnObjectInANamespaceIsWrittenThere) {
  const ObjectKey key{"SluicePolicy", {"x", "a"}};
  writer_.See(key, State("7", 3), false);
  Judge(key, 3, true);
  Pass(ConditionWriter::kFirstWait);
  ASSERT_EQ(Asked(), 1u);
  const HttpRequest& request = transport_.asked.back();
  EXPECT_EQ(request.target,
            "/apis/sluice.io/v1alpha1/namespaces/x/sluicepolicies/a/status"
            "?fieldManager=sluice-watcher&force=true");
  const json body = json::parse(request.body);
  EXPECT_EQ(body["apiVersion"], "sluice.io/v1alpha1");
  EXPECT_EQ(body["kind"], "SluicePolicy");
  EXPECT_EQ(body["metadata"]["namespace"], "x");
}

TEST_F(ConditionWriterTest, WhatIsAcceptedAndWhatIsNotJudgedYetIsNotWritten) {
  writer_.See(kPolicy, State("7", 3), false);
  Judge(kPolicy, 3, false);
  Judge(kOther, 3, true);  // gone, or never there
  Judge(kPolicy, 4, true);
  Pass(1h);
  EXPECT_EQ(Asked(), 0u);
}

TEST_F(ConditionWriterTest, WhatAnotherNodeSaysInTheMeantimeIsNotSaidAgain) {
  writer_.See(kPolicy, State("7", 3), false);
  Judge(kPolicy, 3, true);
  writer_.See(kPolicy, State("8", 3, {{"False", 3, "t", "node n2: x"}}), false);
  Pass(1h);
  EXPECT_EQ(Asked(), 0u);
}

TEST_F(ConditionWriterTest, AfterAConflictTheNewVersionDecides) {
  writer_.See(kPolicy, State("7", 3), false);
  Judge(kPolicy, 3, true);
  Pass(ConditionWriter::kFirstWait);
  transport_.Answer(409);
  Pass(1h);
  EXPECT_EQ(Asked(), 1u);  // nothing new was seen
  writer_.See(kPolicy, State("8", 3, {{"True", 3, "t", ""}}), false);
  Pass(ConditionWriter::kFirstWait);
  ASSERT_EQ(Asked(), 2u);
  EXPECT_EQ(json::parse(transport_.asked.back().body)["metadata"]["resourceVersion"], "8");
}

TEST_F(ConditionWriterTest, ANewVersionThatCameBeforeTheConflictDecidesToo) {
  writer_.See(kPolicy, State("7", 3), false);
  Judge(kPolicy, 3, true);
  Pass(ConditionWriter::kFirstWait);
  writer_.See(kPolicy, State("8", 3), false);
  transport_.Answer(409);
  Pass(ConditionWriter::kFirstWait);
  ASSERT_EQ(Asked(), 2u);
  EXPECT_EQ(json::parse(transport_.asked.back().body)["metadata"]["resourceVersion"], "8");
}

TEST_F(ConditionWriterTest, AMissingRightIsTriedAgainLessAndLessOften) {
  writer_.See(kPolicy, State("7", 3), false);
  Judge(kPolicy, 3, true);
  Pass(ConditionWriter::kFirstWait);
  std::chrono::seconds wait = ConditionWriter::kFirstRetry;
  for (size_t tries = 1; tries < 10; ++tries) {
    ASSERT_EQ(Asked(), tries);
    transport_.Answer(403);
    Pass(wait - 1ms);
    Pass(ConditionWriter::kFirstWait - 1ms);
    EXPECT_EQ(Asked(), tries);
    Pass(1ms);  // it is due
    Pass(ConditionWriter::kFirstWait);
    wait = std::min(2 * wait, ConditionWriter::kLastRetry);
  }
  transport_.Answer(200);
  Pass(1h);
  EXPECT_EQ(Asked(), 10u);
}

TEST_F(ConditionWriterTest, OneThatCannotBeWrittenHoldsUpNoOther) {
  writer_.SeeAll("AdminNetworkPolicy", {{kPolicy, State("7", 3)}, {kOther, State("8", 1)}}, {});
  Judge(kPolicy, 3, true);
  Judge(kOther, 1, true);
  Pass(ConditionWriter::kFirstWait);
  transport_.Answer(404);  // of its CRD, perhaps
  Pass(ConditionWriter::kFirstWait);
  ASSERT_EQ(Asked(), 2u);
  EXPECT_THAT(transport_.asked.back().target, testing::HasSubstr("/b/status"));
  transport_.Answer(200);
  Pass(ConditionWriter::kFirstRetry);
  Pass(ConditionWriter::kFirstWait);
  ASSERT_EQ(Asked(), 3u);
  EXPECT_THAT(transport_.asked.back().target, testing::HasSubstr("/a/status"));
}

TEST_F(ConditionWriterTest, OneThatIsGoneIsNotTriedAgain) {
  writer_.See(kPolicy, State("7", 3), false);
  Judge(kPolicy, 3, true);
  Pass(ConditionWriter::kFirstWait);
  transport_.Answer(404);
  writer_.SeeGone(kPolicy);
  Pass(1h);
  EXPECT_EQ(Asked(), 1u);
}

TEST_F(ConditionWriterTest, WhatWasSaidOfAnEarlierPolicyOfTheGenerationIsSaidNoMore) {
  writer_.See(kPolicy, State("7", 3, {{"False", 3, "t", "node n2: x"}}), false);
  Judge(kPolicy, 3, true);
  writer_.See(kPolicy, State("8", 3, {{"False", 3, "t", "node n2: x"}}), true);  // annotations
  writer_.See(kPolicy, State("9", 3, {{"True", 3, "t", ""}}), false);
  Pass(1h);
  EXPECT_EQ(Asked(), 0u);
  Judge(kPolicy, 3, true);
  Pass(ConditionWriter::kFirstWait);
  EXPECT_EQ(Asked(), 1u);
}

TEST_F(ConditionWriterTest, AnObjectIsWrittenOnceHoweverOftenItIsJudged) {
  writer_.See(kPolicy, State("7", 3), false);
  Judge(kPolicy, 3, true);
  Pass(ConditionWriter::kFirstWait);
  Judge(kPolicy, 3, true);
  transport_.Answer(200);
  for (int i = 0; i < 10; ++i) {
    Judge(kPolicy, 3, true);
    Pass(1min);
  }
  writer_.See(kPolicy, State("8", 3, {{"False", 3, "t", "node n1: x"}}), false);
  Pass(1min);
  EXPECT_EQ(Asked(), 1u);
}

TEST_F(ConditionWriterTest, OneAfterTheOtherAndNotOfWhatIsGone) {
  writer_.SeeAll("AdminNetworkPolicy", {{kPolicy, State("7", 3)}, {kOther, State("8", 1)}}, {});
  Judge(kPolicy, 3, true);
  Judge(kOther, 1, true);
  Pass(ConditionWriter::kFirstWait);
  EXPECT_EQ(Asked(), 1u);
  writer_.SeeAll("AdminNetworkPolicy", {{kPolicy, State("7", 3)}}, {});
  transport_.Answer(409);
  Pass(1h);
  EXPECT_EQ(Asked(), 1u);
}

}  // namespace
}  // namespace sluice::control
