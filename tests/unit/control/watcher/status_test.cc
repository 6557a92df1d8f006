// What the watcher says of itself, and the Events on refused objects.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "control/watcher/event_reporter.h"
#include "control/watcher/metrics.h"
#include "control/watcher/source_report.h"
#include "control/watcher/status_board.h"
#include "tests/unit/control/kube/watch/scripted_api.h"
#include "tests/unit/control/watcher/items.h"

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StatusTest : public testing::Test {
 protected:
  StatusTest() {
    Replace(set_, "Endpoint", Pod("a", "10.0.0.1"));
    push_.in_step = true;
    push_.version = "w-1";
    push_.acknowledged = now_;
    board_.Tell(push_);
  }
  void TellPods(KindState state, bool known, const std::string& problem = "") {
    KindStatus status;
    status.state = state;
    status.known = known;
    status.problem = problem;
    status.progress = progress_;
    board_.Tell("Endpoint", "pods", status);
  }

  StatusBoard::Time now_{1h}, progress_{1h};
  ClusterSet set_{{"Endpoint"}, [this] { return now_; }};
  RefusalBook refusals_{[](const Refusal&, const std::string&) {}};
  StatusBoard board_{set_, refusals_, 60s, [this] { return now_; }};
  PushStatus push_;
};

TEST_F(StatusTest, ReadyIsWhoKnowsAllKindsAndHasThemInForce) {
  TellPods(KindState::kSynced, true);
  EXPECT_THAT(board_.Report().not_ready, IsEmpty());
  push_.in_step = false;
  push_.problem = "no sluiced";
  board_.Tell(push_);
  EXPECT_THAT(board_.Report().not_ready, ElementsAre(HasSubstr("no sluiced")));
}

TEST_F(StatusTest, WhoMayNotReadAKindIsNotReadyAndSaysWhy) {
  TellPods(KindState::kForbidden, false, "may not watch pods");
  EXPECT_THAT(board_.Report().not_ready, ElementsAre("pods: forbidden: may not watch pods"));
}

TEST_F(StatusTest, AServerThatIsAwayMakesItUnreadyOnlyAfterTheMaximumAge) {
  TellPods(KindState::kAway, true, "cut off");
  now_ += 60s;
  EXPECT_THAT(board_.Report().not_ready, IsEmpty());
  EXPECT_EQ(board_.Report().kinds[0].age_seconds, 60);
  now_ += 1s;
  EXPECT_THAT(board_.Report().not_ready, ElementsAre(HasSubstr("pods: not heard of for 61 s")));
  TellPods(KindState::kSynced, true);  // quiet, but watched
  EXPECT_THAT(board_.Report().not_ready, IsEmpty());
}

TEST_F(StatusTest, TheJsonHasKindsRefusalsAndWhatSluicedHas) {
  TellPods(KindState::kSynced, true);
  refusals_.NoteAll({}, {{PolicyKey("p"), "spec", "is bad"}});
  const nlohmann::json json = ToJson(board_.Report());
  EXPECT_EQ(json["ready"], true);
  EXPECT_EQ(json["kinds"][0]["kind"], "pods");
  EXPECT_EQ(json["kinds"][0]["state"], "synced");
  EXPECT_EQ(json["kinds"][0]["objects"], 1);
  EXPECT_EQ(json["sluiced"]["version"], "w-1");
  EXPECT_EQ(json["refused"][0]["name"], "p");
  EXPECT_EQ(json["refused"][0]["reason"], "is bad");
}

TEST_F(StatusTest, TheReportToSluicedSaysWhatIsMissingAndHowOldTheNewsAre) {
  TellPods(KindState::kSynced, true);
  now_ += 3s;
  push_.newest_changes = 7ms;
  board_.Tell(push_);
  SourceReport report = ToSourceReport(board_.Report());
  EXPECT_THAT(report.not_ready, IsEmpty());
  EXPECT_EQ(report.version, "w-1");
  EXPECT_THAT(report.acknowledged_seconds, testing::Optional(3.0));
  EXPECT_THAT(report.in_force_seconds, testing::Optional(0.007));
  EXPECT_EQ(report.kinds[0].name, "pods");
  EXPECT_EQ(report.kinds[0].state, "synced");
  EXPECT_EQ(report.kinds[0].objects, 1u);
  EXPECT_THAT(report.kinds[0].heard_seconds, testing::Optional(3.0));
  TellPods(KindState::kForbidden, false, "may not\nwatch \xff pods");
  report = ToSourceReport(board_.Report());
  EXPECT_EQ(report.kinds[0].problem, "may not watch ? pods");
  EXPECT_THAT(report.not_ready, ElementsAre("pods: forbidden: may not watch ? pods"));
}

TEST_F(StatusTest, TheReportNamesSomeOfManyRefusedObjectsAndCountsAll) {
  std::vector<Refusal> refusals;
  for (size_t i = 0; i < kMaxReportedRefusals + 5; ++i) {
    refusals.push_back({PolicyKey(fmt::format("p{:03}", i)), "spec", std::string(5000, 'x')});
  }
  refusals_.NoteAll({}, refusals);
  const SourceReport report = ToSourceReport(board_.Report());
  EXPECT_EQ(report.refused_objects, kMaxReportedRefusals + 5);
  ASSERT_THAT(report.refused, testing::SizeIs(kMaxReportedRefusals));
  EXPECT_EQ(report.refused[0].key, PolicyKey("p000"));
  EXPECT_THAT(report.refused[0].reason, testing::SizeIs(kMaxReportedText));
}

TEST_F(StatusTest, MetricsHaveAValueForEachKindAndAHistogram) {
  TellPods(KindState::kSynced, true);
  WatcherMetrics metrics(board_);
  metrics.InForceAfter(7ms);
  const std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  EXPECT_THAT(text, HasSubstr("sluice_watcher_kind_objects{kind=\"pods\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("sluice_watcher_in_step 1\n"));
  EXPECT_THAT(text, HasSubstr("sluice_watcher_in_force_seconds_bucket{le=\"0.01\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("sluice_watcher_in_force_seconds_bucket{le=\"0.005\"} 0\n"));
}

class EventReporterTest : public testing::Test {
 protected:
  TimerQueue::Time now_{1h};
  TimerQueue timers_{[this] { return now_; }};
  ScriptedTransport transport_;
  EventReporter reporter_{transport_, timers_,
                          [] { return std::chrono::system_clock::time_point(1s); }, "node-1"};
};

TEST_F(EventReporterTest, AnEventSaysWhatWasRefusedAndWhy) {
  reporter_.Report({PolicyKey("p"), "spec.x", "is\nbad"}, "u");
  const HttpRequest& request = transport_.asked.back();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/api/v1/namespaces/default/events");
  const auto event = nlohmann::json::parse(request.body);
  EXPECT_EQ(event["involvedObject"]["kind"], "NetworkPolicy");
  EXPECT_EQ(event["involvedObject"]["apiVersion"], "networking.k8s.io/v1");
  EXPECT_EQ(event["involvedObject"]["uid"], "u");
  EXPECT_EQ(event["message"], "spec.x: is bad");
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["firstTimestamp"], "1970-01-01T00:00:01Z");
  EXPECT_EQ(event["source"]["host"], "node-1");
}

TEST_F(EventReporterTest, EventsGoOneByOneWithAGapAndAreNotGatheredWithoutEnd) {
  for (size_t i = 0; i < 3 * EventReporter::kMaxQueue; ++i) {
    reporter_.Report({PolicyKey("p"), "", "is bad"}, "u");
  }
  for (size_t i = 0; i <= EventReporter::kMaxQueue; ++i) {
    EXPECT_EQ(transport_.asked.size(), i + 1);
    transport_.Answer(201);
    timers_.RunDue();
    EXPECT_TRUE(transport_.idle());
    now_ += EventReporter::kGap;
    timers_.RunDue();
  }
  EXPECT_TRUE(transport_.idle());
}

}  // namespace
}  // namespace sluice::control
