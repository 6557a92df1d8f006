#include "control/controller.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
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
