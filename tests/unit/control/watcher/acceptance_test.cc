// Which condition several nodes' watchers write, and which they leave.
#include "control/watcher/acceptance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using testing::Eq;

constexpr char kNow[] = "2026-01-02T03:04:05Z";
constexpr char kBefore[] = "2026-01-01T00:00:00Z";

ObjectState Object(int64_t generation, std::optional<AcceptedCondition> condition = {}) {
  return {"u", "7", generation, std::move(condition)};
}

Judgement Accepted(int64_t generation) {
  return {{"AdminNetworkPolicy", {"", "a"}}, "u", generation, {}};
}

Judgement Refused(int64_t generation) {
  Judgement judgement = Accepted(generation);
  judgement.refusal = Refusal{judgement.key, "spec.priority", "is\ntoo large"};
  return judgement;
}

std::optional<AcceptedCondition> Wanted(const ObjectState& object, const Judgement& judgement) {
  return WantedCondition(object, judgement, "n1", kNow);
}

TEST(Acceptance, AnObjectThatNobodyRefusedIsNotWritten) {
  EXPECT_THAT(Wanted(Object(3), Accepted(3)), Eq(std::nullopt));
  EXPECT_THAT(Wanted(Object(3, {{"True", 2, kBefore, ""}}), Accepted(3)), Eq(std::nullopt));
}

TEST(Acceptance, ARefusedOneIsFalseWithTheNodeTheFieldAndTheReason) {
  EXPECT_THAT(Wanted(Object(3), Refused(3)),
              Eq(AcceptedCondition{"False", 3, kNow, "node n1: spec.priority: is too large"}));
}

TEST(Acceptance, OfOneGenerationTheFirstRefusalStaysAndWinsOverAcceptance) {
  EXPECT_THAT(Wanted(Object(3, {{"False", 3, kBefore, "node n2: x"}}), Refused(3)),
              Eq(std::nullopt));
  EXPECT_THAT(Wanted(Object(3, {{"False", 3, kBefore, "node n2: x"}}), Accepted(3)),
              Eq(std::nullopt));
  const auto wanted = Wanted(Object(3, {{"True", 3, kBefore, "ok"}}), Refused(3));
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->status, "False");
  EXPECT_EQ(wanted->since, kNow);
}

TEST(Acceptance, ANewGenerationThatIsTakenIsTrueAgainAndOneThatIsNotStaysFalseSinceThen) {
  const ObjectState object = Object(4, {{"False", 3, kBefore, "node n2: x"}});
  const auto taken = Wanted(object, Accepted(4));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->status, "True");
  EXPECT_EQ(taken->generation, 4);
  EXPECT_EQ(taken->since, kNow);
  const auto refused = Wanted(object, Refused(4));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->generation, 4);
  EXPECT_EQ(refused->since, kBefore);
}

TEST(Acceptance, WhoRefusedTakesItBackInTheSameGeneration) {
  const auto wanted = Wanted(Object(3, {{"False", 3, kBefore, "node n1: x"}}), Accepted(3));
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->status, "True");
  EXPECT_THAT(Wanted(Object(3, {{"False", 3, kBefore, "node n10: x"}}), Accepted(3)),
              Eq(std::nullopt));
}

TEST(Acceptance, WhatWasJudgedMustBeWhatTheApiHas) {
  EXPECT_THAT(Wanted(Object(4), Refused(3)), Eq(std::nullopt));
  EXPECT_THAT(Wanted(Object(3), Refused(4)), Eq(std::nullopt));
  EXPECT_THAT(Wanted(Object(0), Refused(0)), Eq(std::nullopt));
  EXPECT_THAT(Wanted(Object(3, {{"True", 4, kBefore, ""}}), Refused(3)), Eq(std::nullopt));
  Judgement other = Refused(3);
  other.uid = "another";
  EXPECT_THAT(Wanted(Object(3), other), Eq(std::nullopt));
}

// Two nodes that each see what the other wrote come to rest, whatever they think.
TEST(Acceptance, NodesThatDisagreeComeToRest) {
  for (const bool first_refuses : {false, true}) {
    for (const bool second_refuses : {false, true}) {
      ObjectState object = Object(3, {{"False", 2, kBefore, "node n1: x"}});
      int writes = 0;
      for (int round = 0; round < 10; ++round) {
        for (const auto& [node, refuses] :
             {std::pair("n1", first_refuses), std::pair("n2", second_refuses)}) {
          const auto wanted =
              WantedCondition(object, refuses ? Refused(3) : Accepted(3), node, kNow);
          if (!wanted) continue;
          object.condition = wanted;
          ++writes;
        }
      }
      EXPECT_LE(writes, 2);
      EXPECT_EQ(object.condition->status, first_refuses || second_refuses ? "False" : "True");
    }
  }
}

TEST(Acceptance, TheStateIsReadFromWhateverTheApiSent) {
  StreamedObject object;
  object.identity = {"", "a", "u", "7"};
  object.tree = nlohmann::json::parse(R"({"metadata": {"generation": 3}, "status": {"conditions": [
      {"type": "Other", "status": "False"}, 5, {"type": 6},
      {"type": "sluice.io/Accepted", "status": "False", "observedGeneration": 2,
       "lastTransitionTime": "t", "message": "m"}]}})");
  const ObjectState state = StateOf(object);
  EXPECT_EQ(state.uid, "u");
  EXPECT_EQ(state.resource_version, "7");
  EXPECT_EQ(state.generation, 3);
  EXPECT_THAT(state.condition, Eq(AcceptedCondition{"False", 2, "t", "m"}));
  for (const char* odd :
       {"null", "[]", R"({"metadata": 3, "status": []})",
        R"({"metadata": {"generation": "x"}, "status": {"conditions": {"a": 1}}})",
        R"({"status": {"conditions": "no"}})"}) {
    object.tree = nlohmann::json::parse(odd);
    EXPECT_EQ(StateOf(object).generation, 0) << odd;
    EXPECT_FALSE(StateOf(object).condition) << odd;
  }
}

}  // namespace
}  // namespace sluice::control
