#include "control/controller.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "tests/unit/control/objects.h"
#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

using ::testing::HasSubstr;

TEST(ControllerTest, EveryCallerIsAnsweredAfterItsChangeIsInForce) {
  constexpr int kThreads = 4, kEach = 25;
  SwitchFixture fixture;
  auto controller = Controller::Create(fixture.data_plane(), {});
  ASSERT_TRUE(controller.ok()) << controller.status();
  std::atomic<int> late = 0;
  {
    std::vector<std::jthread> callers;
    for (int t = 0; t < kThreads; ++t) {
      callers.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::string name = fmt::format("p{}-{}", t, i);
          const Result result =
              (*controller)
                  ->Execute(ApplyCommand{"test", Candidates(DenyAll(name)), OnRefusal::kRefuseAll});
          const auto view = (*controller)->view();
          const bool in_force = result.ok() && fixture.data_plane().epoch() >= result->epoch &&
                                view->snapshot->epoch >= result->epoch &&
                                view->state->policies().contains({"default", name});
          if (!in_force) ++late;
        }
      });
    }
  }
  EXPECT_EQ(late, 0);
  EXPECT_EQ((*controller)->view()->state->policies().size(), size_t{kThreads * kEach});
}

// Edits and pod events from several callers, with rebuilds as often as there can be.
TEST(ControllerTest, WhatIsEditedBesideRebuildsIsBuiltWholeInTheEnd) {
  constexpr int kEach = 30;
  SwitchFixture fixture;
  auto created =
      Controller::Create(fixture.data_plane(), {}, nullptr, std::chrono::milliseconds(1));
  ASSERT_TRUE(created.ok()) << created.status();
  Controller& controller = **created;
  const auto apply = [&](Object object) {
    const Result result = controller.Execute(
        ApplyCommand{"test", {Candidate::Of(std::move(object))}, OnRefusal::kRefuseAll});
    EXPECT_TRUE(result.ok()) << result.status();
  };
  const Result added =
      controller.Execute(AddPortCommand{RingPort("a", "a", "02:00:00:00:00:01", "10.0.0.1")});
  ASSERT_TRUE(added.ok()) << added.status();
  {
    std::jthread edits([&] {
      for (int i = 0; i < kEach; ++i) apply(Allow("edited", {{"app", "x"}}, 1000 + i));
    });
    std::jthread relabels([&] {
      for (int i = 0; i < kEach; ++i) apply(Pod("a", "", {{"app", i % 2 == 0 ? "x" : "y"}}));
    });
    std::jthread peers([&] {
      for (int i = 0; i < kEach; ++i) apply(Pod("b", fmt::format("10.1.0.{}", i), {{"app", "x"}}));
    });
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!IsWhole(*controller.view())) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  const auto view = controller.view();
  const auto fresh = BuildPolicy(MakePolicyInput(*view->state, {}), nullptr, {});
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_EQ(*view->policy->base.in_force.rules, *fresh->base.in_force.rules);
  EXPECT_EQ(*view->policy->base.addresses, *fresh->base.addresses);
}

TEST(ControllerTest, EveryCallerIsAnsweredWhenItStops) {
  SwitchFixture fixture;
  auto controller = Controller::Create(fixture.data_plane(), {});
  ASSERT_TRUE(controller.ok()) << controller.status();
  const Result added =
      (*controller)
          ->Execute(AddPortCommand{RingPort("web", "web", "02:00:00:00:00:01", "10.0.0.2")});
  EXPECT_TRUE(added.ok()) << added.status();
  controller->reset();  // with a port open: the switch closes it
}

// A controller, and the port of pod default/web that waits for policy.
class PolicyWaitTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kLong{60'000}, kShort{100};

  PolicyWaitTest() : controller_(*Controller::Create(fixture_.data_plane(), {})) {}

  static dataplane::PortSpec Spec() {
    dataplane::PortSpec spec = RingPort("web", "web", "02:00:00:00:00:01", "10.0.0.2", "uid-1");
    spec.attachment = "net/container/eth0";
    return spec;
  }
  std::future<Result> StartAdd(std::chrono::milliseconds timeout) {
    auto answer = std::make_shared<std::promise<Result>>();
    controller_->Start(AddPortCommand{Spec(), timeout},
                       [answer](Result result) { answer->set_value(std::move(result)); });
    return answer->get_future();
  }
  Result Apply(Object object) {
    return controller_->Execute(
        ApplyCommand{"test", {Candidate::Of(std::move(object))}, OnRefusal::kRefuseAll});
  }
  bool HasPort() const { return controller_->view()->state->ports().specs().contains("web"); }

  SwitchFixture fixture_;
  std::unique_ptr<Controller> controller_;
};

bool IsOpen(std::future<Result>& answer) {
  return answer.wait_for(std::chrono::seconds(0)) == std::future_status::timeout;
}

TEST_F(PolicyWaitTest, APortIsAnsweredWhenItsPodIsKnown) {
  std::future<Result> answer = StartAdd(kLong);
  ASSERT_TRUE(Apply(Pod("other", "10.0.0.9")).ok());
  EXPECT_TRUE(IsOpen(answer));
  EXPECT_TRUE(HasPort());
  const Result applied = Apply(Pod("web", "", {{"app", "web"}}, "uid-1"));
  ASSERT_TRUE(applied.ok()) << applied.status();
  const Result added = answer.get();
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->epoch, applied->epoch);
  const auto view = controller_->view();
  EXPECT_EQ(view->snapshot->ports[added->port].subject, dataplane::SubjectState::kKnown);
}

TEST_F(PolicyWaitTest, APodThatIsKnownAlreadyIsNotWaitedFor) {
  ASSERT_TRUE(Apply(Pod("web", "", {}, "uid-1")).ok());
  const Result added = StartAdd(kLong).get();
  EXPECT_TRUE(added.ok()) << added.status();
}

TEST_F(PolicyWaitTest, WhatStaysUnknownIsTakenAwayAgain) {
  const Result added = StartAdd(kShort).get();
  EXPECT_EQ(added.status(),
            absl::DeadlineExceededError(
                "port web: policy is not in force after 100ms: pod default/web: not "
                "known to the switch: no source has sent it"));
  EXPECT_FALSE(HasPort());
}

TEST_F(PolicyWaitTest, AnotherPodOfTheSameNameIsNotTheOne) {
  ASSERT_TRUE(Apply(Pod("web", "", {}, "uid-2")).ok());
  const Result added = StartAdd(kShort).get();
  EXPECT_EQ(added.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(added.status().message()),
              HasSubstr("known to the switch with UID uid-2, not with the port's, uid-1"));
  EXPECT_FALSE(HasPort());
}

TEST_F(PolicyWaitTest, APortThatIsDeletedMeanwhileSaysSo) {
  std::future<Result> answer = StartAdd(kLong);
  ASSERT_TRUE(controller_->Execute(DeletePortCommand{"web"}).ok());
  EXPECT_EQ(answer.get().status(),
            absl::AbortedError("port web: was deleted while it waited for policy"));
}

TEST_F(PolicyWaitTest, TheSamePortAgainIsTheSamePort) {
  std::future<Result> first = StartAdd(kLong), second = StartAdd(kLong);
  ASSERT_TRUE(Apply(Pod("web", "", {}, "uid-1")).ok());
  const Result one = first.get(), two = second.get();
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(one->port, two->port);
  dataplane::PortSpec other = Spec();
  other.attachment = "net/another/eth0";
  EXPECT_EQ(controller_->Execute(AddPortCommand{other}).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(PolicyWaitTest, AWaitThatEndsLeavesThePortToTheOneThatGoesOn) {
  std::future<Result> first = StartAdd(kShort), second = StartAdd(kLong);
  EXPECT_EQ(first.get().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(HasPort());
  ASSERT_TRUE(Apply(Pod("web", "", {}, "uid-1")).ok());
  EXPECT_TRUE(second.get().ok());
}

TEST_F(PolicyWaitTest, WhoWaitsIsAnsweredWhenTheSwitchStops) {
  std::future<Result> answer = StartAdd(kLong);
  controller_.reset();
  EXPECT_EQ(answer.get().status(), absl::UnavailableError("the switch is stopping"));
}

}  // namespace
}  // namespace sluice::control
