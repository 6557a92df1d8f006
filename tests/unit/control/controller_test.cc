#include "control/controller.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/control/objects.h"
#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

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

}  // namespace
}  // namespace sluice::control
