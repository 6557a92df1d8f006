#include "control/kube/watch/reflector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/control/kube/watch/scripted_api.h"

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using Objects = RememberingSink::Objects;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ReflectorTest : public ScriptedApi {};

TEST_F(ReflectorTest, AStreamingListIsNothingBeforeItsEndAndThenAWatch) {
  reflector_->Start();
  EXPECT_THAT(transport_.target(), HasSubstr("sendInitialEvents=true&"
                                             "resourceVersionMatch=NotOlderThan"));
  EXPECT_THAT(transport_.target(), Not(HasSubstr("resourceVersion=")));
  transport_.Head(200);
  transport_.Send(Event("ADDED", "a", "3"));
  EXPECT_EQ(sink_.lists, 0);
  EXPECT_FALSE(status().known);
  transport_.Send(Event("ADDED", "b", "4") + Event("DELETED", "a", "6") + InitialEnd("10"));
  EXPECT_EQ(sink_.objects, (Objects{{"b", "4"}}));
  EXPECT_EQ(status().state, KindState::kSynced);
  transport_.Send(Event("MODIFIED", "b", "11") + Event("ADDED", "c", "12"));
  EXPECT_EQ(sink_.objects, (Objects{{"b", "11"}, {"c", "12"}}));
  transport_.Send(Event("DELETED", "b", "13") + Bookmark("20"));
  EXPECT_EQ(sink_.objects, (Objects{{"c", "12"}}));
  EXPECT_EQ(status().resource_version, "20");
  EXPECT_EQ(status().counters.watches, 1u);
  EXPECT_EQ(status().counters.lists, 0u);
}

TEST_F(ReflectorTest, AServerThatRefusesStreamingListsIsAskedForPages) {
  for (const int code : {400, 422}) {
    Restart();
    reflector_->Start();
    transport_.Answer(code, R"({"kind":"Status","message":"no such thing"})");
    EXPECT_EQ(transport_.target(), "/apis/g/v2/things?limit=500");
    transport_.Answer(200, List("7", Item("a", "1"), "to/ken+"));
    EXPECT_EQ(transport_.target(), "/apis/g/v2/things?limit=500&continue=to%2Fken%2B");
    EXPECT_FALSE(status().known);
    transport_.Answer(200, List("7", Item("b", "2")));
    EXPECT_EQ(sink_.objects, (Objects{{"a", "1"}, {"b", "2"}}));
    EXPECT_THAT(transport_.target(),
                StartsWith("/apis/g/v2/things?watch=true&allowWatchBookmarks=true&"
                           "resourceVersion=7&timeoutSeconds="));
  }
}

TEST_F(ReflectorTest, AServerThatIgnoresStreamingListsIsAskedForPages) {
  reflector_->Start();
  transport_.Head(200);
  transport_.Send(Event("ADDED", "a", "3"));
  Pass(9s);
  transport_.Send(Event("ADDED", "b", "4"));
  Pass(9s);  // not silent for long enough
  EXPECT_THAT(transport_.target(), HasSubstr("sendInitialEvents"));
  Pass(2s);
  EXPECT_EQ(transport_.target(), "/apis/g/v2/things?limit=500");
  transport_.Answer(200, List("7", Item("a", "1")));
  transport_.Answer(410);
  Pass(250ms);
  EXPECT_THAT(transport_.target(), HasSubstr("sendInitialEvents"));  // it may only have been slow

  sink_.lists = 0;
  Restart();
  reflector_->Start();
  transport_.Head(200);
  transport_.Send(Event("ADDED", "a", "3") + Bookmark("5"));
  EXPECT_EQ(transport_.target(), "/apis/g/v2/things?limit=500");
  EXPECT_EQ(sink_.lists, 0);

  Restart();
  reflector_->Start();
  Pass(10s);  // and no answer at all
  EXPECT_EQ(transport_.target(), "/apis/g/v2/things?limit=500");
}

TEST_F(ReflectorTest, AServerThatRefusesAStreamingListInsideTheStreamIsAskedForPages) {
  reflector_->Start();
  transport_.Head(200);
  transport_.Send(Error(500));
  EXPECT_EQ(transport_.target(), "/apis/g/v2/things?limit=500");
  transport_.Answer(200, List("7", Item("a", "1")));
  transport_.Head(200);
  transport_.Send(Error(500));  // of a watch, it says nothing about streaming lists
  Pass(250ms);
  EXPECT_THAT(transport_.target(), HasSubstr("resourceVersion=7&"));
}

TEST_F(ReflectorTest, OnlyPagesMayBeCompressed) {
  reflector_->Start();
  EXPECT_FALSE(transport_.asked.back().compressed);
  transport_.Answer(422);
  EXPECT_TRUE(transport_.asked.back().compressed);
  transport_.Answer(200, List("7", ""));
  EXPECT_FALSE(transport_.asked.back().compressed);
}

TEST_F(ReflectorTest, PagesThatExpireAreReadFromTheStart) {
  reflector_->Start();
  transport_.Answer(422);
  transport_.Answer(200, List("7", Item("old", "1"), "x"));
  transport_.Answer(410);
  Pass(250ms);
  EXPECT_EQ(transport_.target(), "/apis/g/v2/things?limit=500");
  transport_.Answer(200, List("9", Item("new", "8")));
  EXPECT_EQ(sink_.objects, (Objects{{"new", "8"}}));
}

TEST_F(ReflectorTest, AWatchThatEndsIsResumedFromTheNewestVersion) {
  StartSynced();
  transport_.Send(Bookmark("15"));
  transport_.End();
  EXPECT_THAT(transport_.target(), HasSubstr("resourceVersion=15&"));
  transport_.Head(200);
  transport_.Send(Event("MODIFIED", "a", "16"));
  transport_.End(absl::UnavailableError("cut off"));
  EXPECT_TRUE(transport_.idle());
  EXPECT_EQ(status().state, KindState::kAway);
  Pass(250ms);
  EXPECT_THAT(transport_.target(), HasSubstr("resourceVersion=16&"));
  transport_.Head(200);
  EXPECT_EQ(status().state, KindState::kSynced);
  EXPECT_EQ(sink_.lists, 1);
}

TEST_F(ReflectorTest, AStalledWatchIsResumedOnAnotherConnection) {
  StartSynced();
  EXPECT_EQ(transport_.asked.back().idle_limit, 90s);
  transport_.End(absl::DeadlineExceededError("nothing came"));
  Pass(250ms);
  EXPECT_TRUE(transport_.asked.back().fresh_connection);
  EXPECT_THAT(transport_.target(), HasSubstr("resourceVersion=10&"));
  EXPECT_EQ(status().counters.stalls, 1u);
  transport_.Head(200);
  transport_.Send(Bookmark("11"));
  transport_.End();
  EXPECT_FALSE(transport_.asked.back().fresh_connection);
}

TEST_F(ReflectorTest, AnExpiredVersionIsReadAgainAndWhatIsGoneIsSwept) {
  for (const bool inside : {false, true}) {
    Restart();
    StartSynced();
    if (inside) {
      transport_.Send(Error(410) + Event("ADDED", "never", "99"));
    } else {
      transport_.End();
      transport_.Answer(410);
    }
    EXPECT_EQ(status().counters.expired, 1u);
    EXPECT_EQ(sink_.objects, (Objects{{"a", "3"}, {"b", "4"}}));
    Pass(250ms);
    EXPECT_THAT(transport_.target(), HasSubstr("sendInitialEvents=true"));
    transport_.Head(200);
    transport_.Send(Event("ADDED", "b", "4") + Event("ADDED", "c", "30"));
    EXPECT_EQ(sink_.objects, (Objects{{"a", "3"}, {"b", "4"}}));  // no mixture
    transport_.Send(InitialEnd("31"));
    EXPECT_EQ(sink_.objects, (Objects{{"b", "4"}, {"c", "30"}}));
  }
}

TEST_F(ReflectorTest, AnotherErrorInsideAWatchResumesIt) {
  StartSynced();
  transport_.Send(Error(500));
  EXPECT_THAT(status().problem, HasSubstr("500"));
  Pass(250ms);
  EXPECT_THAT(transport_.target(), HasSubstr("resourceVersion=10&"));
}

TEST_F(ReflectorTest, ErrorsAgainAndAgainAtOneVersionEndInReadingEverythingAgain) {
  for (const bool inside : {false, true}) {
    Restart();
    StartSynced();
    transport_.Send(Bookmark("11"));
    const auto fail = [&] {
      if (inside) {
        transport_.Head(200);
        transport_.Send(Error(500));
      } else {
        transport_.Answer(500);
      }
      Pass(30s);
    };
    transport_.End();
    for (int i = 0; i < 4; ++i) {
      fail();
      EXPECT_THAT(transport_.target(), HasSubstr("resourceVersion=11&")) << i;
    }
    transport_.Head(200);
    transport_.Send(Event("MODIFIED", "a", "12"));  // it was not the version
    transport_.End();
    for (int i = 0; i < 5; ++i) {
      EXPECT_THAT(transport_.target(), HasSubstr("resourceVersion=12&")) << i;
      transport_.Answer(503);  // says nothing of the version
      Pass(30s);
      fail();
    }
    EXPECT_THAT(transport_.target(), HasSubstr("sendInitialEvents=true"));
    EXPECT_EQ(sink_.objects, (Objects{{"a", "12"}, {"b", "4"}}));
  }
}

TEST_F(ReflectorTest, BytesWithoutAnEventAreNoProgressAndInTheEndAStall) {
  StartSynced();
  const auto progress = now_;
  for (int i = 0; i < 17; ++i) {
    Pass(10s);
    transport_.Send("\n");
  }
  EXPECT_EQ(status().progress, progress);
  EXPECT_FALSE(transport_.idle());
  transport_.Send(Bookmark("11"));
  EXPECT_EQ(status().progress, now_);
  for (int i = 0; i < 18; ++i) {
    EXPECT_FALSE(transport_.idle()) << i;
    transport_.Send(" ");
    Pass(10s);
  }
  EXPECT_TRUE(transport_.idle());
  EXPECT_EQ(status().state, KindState::kAway);
  EXPECT_EQ(status().counters.stalls, 1u);
  Pass(250ms);
  EXPECT_THAT(transport_.target(), HasSubstr("resourceVersion=11&"));
  EXPECT_TRUE(transport_.asked.back().fresh_connection);
}

TEST_F(ReflectorTest, AListThatIsTooMuchEndsWithThatReasonAndIsReadAgain) {
  sink_.most = 1;
  reflector_->Start();
  transport_.Head(200);
  transport_.Send(Event("ADDED", "a", "3") + Event("ADDED", "b", "4") + InitialEnd("10"));
  EXPECT_EQ(status().problem, "too many");
  EXPECT_FALSE(status().known);
  EXPECT_EQ(sink_.lists, 0);
  Pass(250ms);
  transport_.Answer(422);
  transport_.Answer(200, List("7", Item("a", "1") + "," + Item("b", "2")));
  EXPECT_EQ(status().problem, "too many");
  Pass(500ms);
  transport_.Answer(200, List("8", Item("a", "1")));
  EXPECT_EQ(sink_.objects, (Objects{{"a", "1"}}));
}

TEST_F(ReflectorTest, HalfAPageIsNoProgress) {
  reflector_->Start();
  transport_.Answer(422);
  const TimerQueue::Time never{};
  transport_.Head(200);
  transport_.Body(List("7", Item("a", "1")).substr(0, 70));
  EXPECT_EQ(status().progress, never);
  transport_.End(absl::UnavailableError("cut off"));
  Pass(250ms);
  transport_.Answer(200, List("7", Item("a", "1")));
  EXPECT_EQ(status().progress, now_);
}

TEST_F(ReflectorTest, AnEventThatCannotBeReadIsReadAgainWithEverything) {
  for (const std::string& bad :
       {std::string("{\"type\":\"ADDED\",\"object\":3}\n"), std::string("nonsense"),
        std::string("{\"type\":\"ADDED\",\"object\":{\"metadata\":[]}}\n"),
        Event("REPLACED", "a", "11"), Event("ADDED", "", "11"), Event("ADDED", "a", ""),
        Bookmark("")}) {
    Restart();
    StartSynced();
    transport_.Send(bad);
    EXPECT_TRUE(transport_.idle()) << bad;
    EXPECT_EQ(status().counters.malformed, 1u) << bad;
    EXPECT_EQ(sink_.objects, (Objects{{"a", "3"}, {"b", "4"}})) << bad;
    Pass(250ms);
    EXPECT_THAT(transport_.target(), HasSubstr("sendInitialEvents=true")) << bad;
  }
}

TEST_F(ReflectorTest, HalfAnEventAtTheEndIsAskedForAgain) {
  StartSynced();
  transport_.Send(Event("ADDED", "c", "11").substr(0, 30));
  transport_.End();
  EXPECT_EQ(status().counters.malformed, 1u);
  Pass(250ms);
  EXPECT_THAT(transport_.target(), HasSubstr("resourceVersion=10&"));
}

TEST_F(ReflectorTest, AnObjectThatIsTooLargeComesByNameAndTheWatchGoesOn) {
  StartSynced();
  const std::string large(3 << 20, 'x');
  transport_.Send(R"({"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"11"},)"
                  R"("spec":")" +
                  large + "\"}}\n" + Event("ADDED", "c", "12"));
  EXPECT_EQ(sink_.refused, (std::set<std::string>{"a"}));
  EXPECT_EQ(status().resource_version, "12");
  EXPECT_FALSE(transport_.idle());
}

TEST_F(ReflectorTest, AListThatIsCutShortChangesNothing) {
  reflector_->Start();
  transport_.Answer(422);
  const std::string list = List("7", Item("a", "1"));
  transport_.Answer(200, list.substr(0, list.size() - 2));
  EXPECT_EQ(sink_.lists, 0);
  EXPECT_FALSE(status().known);
  Pass(250ms);
  transport_.Head(200);
  transport_.Body(list.substr(0, 40));
  transport_.End(absl::UnavailableError("transfer closed with outstanding data"));
  EXPECT_EQ(sink_.lists, 0);
  Pass(500ms);
  transport_.Answer(200, list);
  EXPECT_EQ(sink_.objects, (Objects{{"a", "1"}}));
}

TEST_F(ReflectorTest, ThrottlingIsObeyedAndRetriesWaitLongerAndLonger) {
  reflector_->Start();
  transport_.Answer(429, "", 5s);
  EXPECT_EQ(status().counters.throttled, 1u);
  Pass(4999ms);
  EXPECT_TRUE(transport_.idle());
  Pass(1ms);
  std::chrono::milliseconds expected = 500ms;
  for (int i = 0; i < 10; ++i) {
    transport_.Answer(500, "internal");
    Pass(expected - 1ms);
    EXPECT_TRUE(transport_.idle()) << i;
    Pass(1ms);
    EXPECT_FALSE(transport_.idle()) << i;
    expected = std::min<std::chrono::milliseconds>(2 * expected, 30s);
  }
}

TEST_F(ReflectorTest, AWatchThatEndsAtOnceIsNotAskedForAtOnce) {
  StartSynced();
  transport_.End();
  transport_.Answer(200);
  EXPECT_TRUE(transport_.idle());
  Pass(250ms);
  EXPECT_FALSE(transport_.idle());
}

TEST_F(ReflectorTest, AKindThatIsAbsentInEveryVersionTwiceIsEmptyAndAskedForFromTimeToTime) {
  reflector_->Start();
  transport_.Answer(404);
  EXPECT_THAT(transport_.target(), StartsWith("/apis/g/v1/things?"));
  transport_.Answer(404);
  EXPECT_FALSE(status().known);
  Pass(1s);
  transport_.Answer(404);
  transport_.Answer(404);
  EXPECT_FALSE(status().known);
  EXPECT_EQ(transport_.target(), "/apis");
  transport_.Answer(200, Groups());
  EXPECT_EQ(status().state, KindState::kAbsent);
  EXPECT_EQ(sink_.lists, 1);
  Pass(14s);
  EXPECT_TRUE(transport_.idle());
  Pass(1s);
  transport_.Answer(404);
  transport_.Head(200);
  transport_.Send(Event("ADDED", "a", "3") + InitialEnd("4"));
  EXPECT_EQ(sink_.objects, (Objects{{"a", "3"}}));
  EXPECT_EQ(status().state, KindState::kSynced);
  EXPECT_EQ(status().path, "/apis/g/v1/things");
}

TEST_F(ReflectorTest, AKindThatGoesAwayTakesItsObjectsWithItOnlyWhenThatIsSure) {
  StartSynced();
  transport_.Send(Bookmark("11"));
  transport_.End();
  transport_.Answer(404);
  transport_.Answer(404);
  EXPECT_EQ(sink_.objects.size(), 2u);
  Pass(1s);
  transport_.Answer(404);
  transport_.Answer(404);
  EXPECT_EQ(sink_.objects.size(), 2u);
  transport_.Answer(200, Groups(Group("v2")));
  EXPECT_EQ(transport_.target(), "/apis/g/v2");
  EXPECT_EQ(sink_.objects.size(), 2u);
  transport_.Answer(200, Resources("others"));
  EXPECT_TRUE(sink_.objects.empty());
  EXPECT_EQ(status().state, KindState::kAbsent);
}

TEST_F(ReflectorTest, AKindThatIsNotFoundAndNotProvenAbsentKeepsItsObjects) {
  struct Case {
    int code;
    std::string groups, resources;
    const char* problem;
  };
  const std::string nothing = R"({"kind":"APIGroupList","groups":[]})";
  for (const Case& c : std::vector<Case>{
           {404, "<html>", "", "/apis: HTTP 404"},
           {403, "", "", "/apis: HTTP 403"},
           {200, "<html>", "", "/apis: line 1: JSON"},
           {200, "{}", "", "/apis: is no APIGroupList"},
           {200, Resources("x"), "", "/apis: is no APIGroupList"},
           {200, nothing, "", "groups: is empty"},
           {200, R"({"kind":"APIGroupList","groups":[{"name":3}]})", "", "groups: is malformed"},
           {200, Groups(R"(,{"name":"g"})"), "", "versions: is malformed"},
           {200, Groups().substr(0, 30), "", "/apis: "},
           {200, std::string(AbsenceCheck::kMaxBody + 1, ' '), "", "/apis: is too large"},
           {200, Groups(Group("v1")), Groups(), "/apis/g/v1: is no APIResourceList"},
           {200, Groups(Group("v1")), R"({"kind":"APIResourceList"})", "resources: is malformed"},
           {200, Groups(Group("v1")), Resources("things"), "/apis/g/v1: lists things"}}) {
    Restart();
    StartSynced();
    transport_.End();
    transport_.Answer(404);
    transport_.Answer(404);
    Pass(1s);
    transport_.Answer(404);
    transport_.Answer(404);
    transport_.Answer(c.code, c.groups);
    if (!c.resources.empty()) transport_.Answer(200, c.resources);
    EXPECT_THAT(status().problem, HasSubstr(c.problem));
    EXPECT_EQ(status().state, KindState::kAway) << c.problem;
    EXPECT_EQ(sink_.objects.size(), 2u) << c.problem;
    Pass(250ms);
    EXPECT_THAT(transport_.target(), HasSubstr("/things?watch=true")) << c.problem;
  }
}

TEST_F(ReflectorTest, ADiscoveryThatDoesNotComeProvesNothing) {
  reflector_->Start();
  for (int round = 0; round < 2; ++round) {
    transport_.Answer(404);
    transport_.Answer(404);
    Pass(1s);
  }
  EXPECT_EQ(transport_.target(), "/apis");
  transport_.Head(200);
  transport_.Body(Groups());
  transport_.End(absl::UnavailableError("cut off"));
  EXPECT_FALSE(status().known);
  EXPECT_THAT(status().problem, HasSubstr("cut off"));
}

TEST_F(ReflectorTest, NothingIsCalledAfterItsEndWhileItLooksWhetherTheKindIsThere) {
  reflector_->Start();
  transport_.Answer(404);
  transport_.Answer(404);
  Pass(1s);
  transport_.Answer(404);
  transport_.Answer(404);
  EXPECT_EQ(transport_.target(), "/apis");
  reflector_.reset();
  EXPECT_TRUE(transport_.idle());
}

TEST_F(ReflectorTest, ABuiltInKindIsNeverAbsent) {
  resource_.may_be_absent = false;
  reflector_->Start();
  for (int i = 0; i < 6; ++i) {
    transport_.Answer(404);
    EXPECT_TRUE(transport_.idle());
    Pass(1min);
  }
  EXPECT_FALSE(status().known);
  EXPECT_EQ(sink_.lists, 0);
}

TEST_F(ReflectorTest, WhoMayNotIsNotSyncedAndTheStatusNamesVerbAndResource) {
  reflector_->Start();
  transport_.Answer(403, R"({"kind":"Status","message":"User \"u\" cannot watch"})");
  EXPECT_EQ(status().state, KindState::kForbidden);
  EXPECT_FALSE(status().known);
  EXPECT_THAT(status().problem, HasSubstr("may not watch things: HTTP 403: User \"u\" cannot"));
  Pass(5s);
  transport_.Answer(422);
  transport_.Answer(401);
  EXPECT_THAT(status().problem, HasSubstr("may not list things"));
  Pass(5s);
  transport_.Answer(200, List("7", ""));
  EXPECT_TRUE(status().known);
  EXPECT_EQ(status().problem, "");
}

TEST_F(ReflectorTest, AnObjectOfAWatchThatMayNoLongerBeWatchedStaysKnown) {
  StartSynced();
  transport_.End();
  transport_.Answer(403);
  EXPECT_EQ(status().state, KindState::kForbidden);
  EXPECT_TRUE(status().known);
  EXPECT_EQ(sink_.objects.size(), 2u);
}

TEST_F(ReflectorTest, WhatItSaysOfItselfIsToldWhenItChanges) {
  reflector_->Start();
  const int before = told_;
  transport_.Answer(500);
  EXPECT_GT(told_, before);
}

TEST_F(ReflectorTest, NothingIsCalledAfterItsEnd) {
  StartSynced();
  transport_.End(absl::UnavailableError("cut"));
  reflector_.reset();
  Pass(1min);
  EXPECT_TRUE(transport_.idle());
}

}  // namespace
}  // namespace sluice::control
