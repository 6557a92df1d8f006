#include "control/watcher/pusher.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/control/watcher/items.h"

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A daemon with the one thing that matters here: which version it has.
class FakeDaemon : public DaemonClient {
 public:
  absl::StatusOr<InForce> Sync(const std::string& version,
                               std::span<const ClusterSet::Item> objects) override {
    calls.push_back(fmt::format("sync {}: {}", version, objects.size()));
    if (!answer.ok()) return answer;
    has = version;
    return InForce{++epoch, refusals};
  }
  absl::StatusOr<InForce> Apply(const std::string& after,
                                const ClusterSet::Batch& changes) override {
    calls.push_back(fmt::format("apply after {}: {}", after, fmt::join(Names(changes), ", ")));
    if (!answer.ok()) return answer;
    if (after != has) return absl::FailedPreconditionError("after: another version");
    return InForce{++epoch, refusals};
  }
  absl::StatusOr<std::string> Report(const SourceReport& report) override {
    reports.push_back(report.version);
    if (!report_answer.ok()) return report_answer;
    if (!answer.ok()) return answer;
    return has;
  }
  void Cancel() override {}

  std::vector<std::string> Calls() { return std::exchange(calls, {}); }

  absl::Status answer, report_answer;
  std::vector<Refusal> refusals;
  std::string has;
  uint64_t epoch = 0;
  std::vector<std::string> calls;
  std::vector<std::string> reports;  // versions in them
};

class PusherTest : public testing::Test {
 protected:
  PusherTest() { Replace(set_, "NetworkPolicy"); }
  // Everything known, and sent as version w-1.
  void Start() {
    Replace(set_, "Endpoint", Pod("a", "10.0.0.1"));
    pusher_.Step();
    ASSERT_THAT(daemon_.Calls(), ElementsAre("sync w-1: 1"));
  }

  ClusterSet::Time now_{1h};
  ClusterSet set_{{"Endpoint", "NetworkPolicy"}, [this] { return now_; }};
  FakeDaemon daemon_;
  std::vector<std::string> told_;
  RefusalBook refusals_{[this](const Refusal& refusal, const std::string& uid) {
    told_.push_back(refusal.key.ToString() + " " + refusal.reason + " " + uid);
  }};
  PushStatus status_;
  std::vector<Pusher::Duration> in_force_;
  std::vector<std::string> judged_;
  Pusher pusher_{set_,
                 daemon_,
                 refusals_,
                 "w",
                 [] { return 0.0; },
                 {[this] { return now_; }, [this](const PushStatus& status) { status_ = status; },
                  [this](Pusher::Duration time) { in_force_.push_back(time); },
                  [this] {
                    SourceReport report;
                    report.version = status_.version;
                    return report;
                  },
                  [this](const ClusterSet::Batch& sent, const std::vector<Refusal>& refusals) {
                    judged_.push_back(fmt::format("{} of {} refused", refusals.size(),
                                                  fmt::join(Names(sent), ", ")));
                  }}};
};

TEST_F(PusherTest, NothingIsSentBeforeEveryKindIsKnown) {
  Put(set_, DenyAll("p"));
  for (int i = 0; i < 5; ++i) {
    pusher_.Step();
    now_ += 1s;
  }
  EXPECT_THAT(daemon_.Calls(), IsEmpty());
  EXPECT_FALSE(status_.in_step);
  EXPECT_EQ(daemon_.reports.size(), 5u);  // of what is missing
}

TEST_F(PusherTest, TheWholeSetOnceThenChangesThatContinueFromIt) {
  Start();
  EXPECT_TRUE(status_.in_step);
  EXPECT_EQ(status_.version, "w-1");
  Put(set_, Pod("b", "10.0.0.2"));
  set_.Remove(PodKey("a"), "");
  pusher_.Step();
  Put(set_, DenyAll("p"));
  pusher_.Step();
  EXPECT_THAT(daemon_.Calls(), ElementsAre("apply after w-1: Pod default/b, -Pod default/a",
                                           "apply after w-1: NetworkPolicy default/p"));
}

TEST_F(PusherTest, ReportsWaitForChangesButNotForEver) {
  Start();
  daemon_.reports.clear();
  for (int i = 0; i < 100; ++i) {
    now_ += Pusher::kReportPeriod / 10;
    Put(set_, Pod("b", fmt::format("10.0.1.{}", i)));
    pusher_.Step();
  }
  EXPECT_THAT(daemon_.reports, testing::SizeIs(5));
  EXPECT_THAT(daemon_.Calls(), testing::SizeIs(100));
}

TEST_F(PusherTest, ADaemonThatForgotIsFoundByReportingAndGetsTheWholeSet) {
  Start();
  daemon_.reports.clear();
  now_ += Pusher::kReportPeriod - 1ms;
  pusher_.Step();
  EXPECT_THAT(daemon_.reports, IsEmpty());
  now_ += 1ms;
  pusher_.Step();
  EXPECT_THAT(daemon_.reports, ElementsAre("w-1"));
  EXPECT_TRUE(status_.in_step);
  daemon_.has = "";
  now_ += Pusher::kReportPeriod;
  pusher_.Step();
  EXPECT_FALSE(status_.in_step);
  EXPECT_EQ(status_.lost, 1u);
  now_ += 100ms;
  pusher_.Step();
  EXPECT_THAT(daemon_.Calls(), ElementsAre("sync w-2: 1"));
  EXPECT_TRUE(status_.in_step);
}

TEST_F(PusherTest, AChangeThatMeetsADaemonThatForgotIsSentWithTheWholeSet) {
  Start();
  daemon_.has = "somebody else's";
  Put(set_, Pod("b", "10.0.0.2"));
  const Pusher::Pause pause = pusher_.Step();
  EXPECT_FALSE(pause.until_change);
  EXPECT_EQ(pause.length, 100ms);
  now_ += pause.length;
  pusher_.Step();
  EXPECT_THAT(daemon_.Calls(), ElementsAre("apply after w-1: Pod default/b", "sync w-2: 2"));
}

TEST_F(PusherTest, AfterAFailureItWaitsLongerAndLongerAndThenSendsTheWholeSet) {
  Start();
  daemon_.answer = absl::InternalError("the build failed");
  Put(set_, Pod("b", "10.0.0.2"));
  EXPECT_EQ(pusher_.Step().length, 100ms);
  EXPECT_THAT(status_.problem, HasSubstr("the build failed"));
  for (const auto wait : {100ms, 200ms}) {
    now_ += wait;
    EXPECT_EQ(pusher_.Step().length, 2 * wait);
  }
  for (int i = 0; i < 10; ++i) {
    now_ += 5s;
    pusher_.Step();
  }
  daemon_.Calls();
  daemon_.answer = absl::OkStatus();
  now_ += 5s - 1ms;
  EXPECT_EQ(pusher_.Step().length, 1ms);
  EXPECT_THAT(daemon_.Calls(), IsEmpty());
  now_ += 1ms;
  EXPECT_EQ(pusher_.Step().length, 0s);
  EXPECT_THAT(daemon_.Calls(), ElementsAre(testing::EndsWith(": 2")));
  EXPECT_EQ(status_.problem, "");
}

TEST_F(PusherTest, ADaemonThatIsBackHasTheWholeSetWithTheNextReport) {
  Start();
  daemon_.answer = absl::UnavailableError("no sluiced");
  Put(set_, Pod("b", "10.0.0.2"));
  for (int i = 0; i < 10; ++i) {
    now_ += 5s;
    pusher_.Step();
  }
  daemon_.Calls();
  daemon_.answer = absl::OkStatus();
  daemon_.has = "";
  now_ += Pusher::kReportPeriod - 1ms;
  pusher_.Step();
  EXPECT_THAT(daemon_.Calls(), IsEmpty());
  now_ += 1ms;
  pusher_.Step();
  EXPECT_THAT(daemon_.Calls(), ElementsAre(testing::EndsWith(": 2")));
  EXPECT_TRUE(status_.in_step);
}

TEST_F(PusherTest, WhileItWaitsForTheNextTryItReports) {
  Start();
  daemon_.answer = absl::InternalError("the build failed");
  Put(set_, Pod("b", "10.0.0.2"));
  for (int i = 0; i < 10; ++i) {
    now_ += 5s;
    pusher_.Step();
  }
  daemon_.reports.clear();
  daemon_.Calls();
  for (auto waited = 0ms; waited < 4500ms; waited += Pusher::kReportPeriod) {
    now_ += Pusher::kReportPeriod;
    EXPECT_EQ(pusher_.Step().length, Pusher::kReportPeriod);
  }
  EXPECT_THAT(daemon_.reports, testing::SizeIs(9));
  EXPECT_THAT(daemon_.Calls(), IsEmpty());
}

TEST_F(PusherTest, ADaemonThatTakesNoReportsHasTheSetAllTheSame) {
  Start();
  daemon_.report_answer = absl::UnimplementedError("no such service");
  for (int i = 0; i < 5; ++i) {
    now_ += Pusher::kReportPeriod;
    pusher_.Step();
  }
  EXPECT_THAT(daemon_.Calls(), IsEmpty());
  EXPECT_TRUE(status_.in_step);
}

TEST_F(PusherTest, VeryManyChangesAreSentAsAWholeSet) {
  Start();
  for (size_t i = 0; i <= Pusher::kMaxChanges; ++i) {
    Put(set_, Pod(fmt::format("p{}", i), "10.0.0.9"));
  }
  pusher_.Step();
  pusher_.Step();
  EXPECT_THAT(daemon_.Calls(), ElementsAre(fmt::format("sync w-2: {}", Pusher::kMaxChanges + 2)));
}

TEST_F(PusherTest, ARefusalIsToldOnceAndForgottenWithItsObjectOrItsCure) {
  Start();
  daemon_.refusals = {{PolicyKey("p"), "spec", "is bad"}};
  Put(set_, DenyAll("p"), "u1");
  pusher_.Step();
  EXPECT_THAT(told_, ElementsAre("NetworkPolicy default/p is bad u1"));
  EXPECT_THAT(judged_,
              ElementsAre("0 of Pod default/a refused", "1 of NetworkPolicy default/p refused"));
  daemon_.has = "";  // the whole set again, with the same refusal
  now_ += Pusher::kReportPeriod;
  pusher_.Step();
  now_ += 100ms;
  pusher_.Step();
  EXPECT_EQ(told_.size(), 1u);
  EXPECT_EQ(refusals_.size(), 1u);
  daemon_.refusals = {{PolicyKey("p"), "spec", "is still bad"}};
  Put(set_, DenyAll("p", {{"v", "2"}}), "u1");
  pusher_.Step();
  EXPECT_EQ(told_.size(), 2u);
  daemon_.refusals.clear();
  Put(set_, DenyAll("other"));
  pusher_.Step();
  EXPECT_EQ(refusals_.size(), 1u);
  set_.Remove(PolicyKey("p"), "");
  pusher_.Step();
  EXPECT_EQ(refusals_.size(), 0u);
}

TEST_F(PusherTest, ARefusalToRemoveAnothersObjectIsForgottenWithOurs) {
  Start();
  daemon_.refusals = {{PolicyKey("p"), "", "belongs to source \"cli\""}};
  Put(set_, DenyAll("p"), "u1");
  pusher_.Step();
  EXPECT_EQ(refusals_.size(), 1u);
  set_.Remove(PolicyKey("p"), "");
  pusher_.Step();  // it may not be removed either
  EXPECT_EQ(refusals_.size(), 0u);
}

TEST_F(PusherTest, WhatWasRefusedIsSentAgainAfterAWhileThatDoubles) {
  Put(set_, DenyAll("p"), "u1");
  daemon_.refusals = {{PolicyKey("p"), "", "belongs to source \"cli\""}};
  Replace(set_, "Endpoint", Pod("a", "10.0.0.1"));
  pusher_.Step();
  ASSERT_THAT(daemon_.Calls(), ElementsAre("sync w-1: 2"));
  for (const auto wait : {Pusher::kFirstRefusalRetry, 2 * Pusher::kFirstRefusalRetry}) {
    now_ += wait - 1ms;
    pusher_.Step();
    pusher_.Step();
    EXPECT_THAT(daemon_.Calls(), IsEmpty());
    now_ += 1ms;
    pusher_.Step();
    pusher_.Step();
    EXPECT_THAT(daemon_.Calls(), ElementsAre("apply after w-1: NetworkPolicy default/p"));
  }
}

TEST_F(PusherTest, TheTimeIntoForceIsMeasuredForChangesAndNotForTheFirstSet) {
  Start();
  EXPECT_THAT(in_force_, IsEmpty());
  Put(set_, Pod("b", "10.0.0.2"));
  now_ += 7ms;
  pusher_.Step();
  EXPECT_THAT(in_force_, ElementsAre(Pusher::Duration(7ms)));
}

TEST_F(PusherTest, AChangeThatFailedIsMeasuredFromWhenItWasReadToTheWholeSetThatHasIt) {
  Start();
  Put(set_, Pod("b", "10.0.0.2"));
  daemon_.answer = absl::UnavailableError("no sluiced");
  pusher_.Step();
  now_ += 100ms;
  Put(set_, Pod("b", "10.0.0.3"));
  Put(set_, Pod("c", "10.0.0.4"));
  pusher_.Step();  // the whole set, in vain too
  EXPECT_THAT(in_force_, IsEmpty());
  EXPECT_EQ(set_.pending(), 2u);
  now_ += 200ms;
  daemon_.answer = absl::OkStatus();
  pusher_.Step();
  EXPECT_THAT(in_force_, ElementsAre(Pusher::Duration(300ms), Pusher::Duration(200ms)));
  EXPECT_EQ(set_.pending(), 0u);
}

TEST_F(PusherTest, VeryManyChangesAreMeasuredLikeFew) {
  Start();
  for (size_t i = 0; i <= Pusher::kMaxChanges; ++i) {
    Put(set_, Pod(fmt::format("p{}", i), "10.0.0.9"));
  }
  pusher_.Step();
  pusher_.Step();
  EXPECT_EQ(in_force_.size(), Pusher::kMaxChanges + 1);
}

}  // namespace
}  // namespace sluice::control
