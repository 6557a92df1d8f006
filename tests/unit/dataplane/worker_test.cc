// How a worker rests, and how ports go from one to another.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "dataplane/backoff.h"
#include "dataplane/poll_claims.h"
#include "dataplane/port_moves.h"
#include "tests/support/testbed.h"

namespace sluice::dataplane {
namespace {

using Lists = std::vector<std::vector<PortId>>;

TEST(Backoff, SleepsLongerAndLongerUpToTheLimit) {
  Backoff backoff(10);
  for (unsigned turn = 1; turn < Backoff::kTurnsBeforeSleep; ++turn) {
    ASSERT_EQ(backoff.Idle(), 0u) << turn;
  }
  std::vector<uint32_t> sleeps;
  for (int i = 0; i < 6; ++i) sleeps.push_back(backoff.Idle());
  EXPECT_EQ(sleeps, (std::vector<uint32_t>{1, 2, 4, 8, 10, 10}));
  backoff.Busy();
  EXPECT_EQ(backoff.Idle(), 0u) << "one packet, and it turns at full speed";
}

TEST(Backoff, WithoutALimitAWorkerNeverSleeps) {
  Backoff backoff(0);
  for (unsigned turn = 0; turn < 10 * Backoff::kTurnsBeforeSleep; ++turn) {
    ASSERT_EQ(backoff.Idle(), 0u);
  }
}

Snapshot Polled(Lists polled) {
  Snapshot snapshot;
  snapshot.epoch = 5;
  snapshot.polled = std::move(polled);
  return snapshot;
}

TEST(PortMoves, BetweenTwoWorkersNobodyPollsAPort) {
  const Snapshot before = Polled({{1, 2}, {3}});
  const auto between = WithoutMovingPorts(before, Polled({{2}, {3, 1}}));
  ASSERT_NE(between, nullptr);
  EXPECT_EQ(between->polled, (Lists{{2}, {3}}));
  EXPECT_EQ(between->epoch, 5u);
}

TEST(PortMoves, PortsThatComeGoOrStayDoNotMove) {
  const Snapshot before = Polled({{1, 2}, {3}});
  EXPECT_EQ(WithoutMovingPorts(before, Polled({{2, 1, 4}, {5}})), nullptr);
  EXPECT_EQ(WithoutMovingPorts(before, before), nullptr);
  EXPECT_EQ(WithoutMovingPorts(Polled({{}, {}}), before), nullptr);
}

TEST(PortMoves, TwoPortsMayChangePlaces) {
  const auto between = WithoutMovingPorts(Polled({{1}, {2}}), Polled({{2}, {1}}));
  ASSERT_NE(between, nullptr);
  EXPECT_EQ(between->polled, (Lists{{}, {}}));
}

TEST(PortMoves, AConnectionGoesOnWhenAnotherWorkerPollsItsPort) {
  test::Testbed bed({.pods = "ab", .workers = 2});
  acl::NetworkPolicy policy = test::Isolate("in", "a", {"Ingress"});
  bed.Apply({policy});
  const auto question = test::Testbed::From('a', 'b').Udp(1, 2).bytes();
  const auto answer = test::Testbed::From('b', 'a').Udp(2, 1).bytes();
  ASSERT_EQ(bed.Deliver('a', question), "b");
  for (int move = 0; move < 4; ++move) {
    std::swap(bed.next().polled[0], bed.next().polled[1]);
    bed.Publish();
    EXPECT_EQ(bed.Deliver('b', answer), "a");
    EXPECT_EQ(bed.Deliver('a', question), "b");
  }
  EXPECT_EQ(bed.connections(), 1u);
}

// With many ports and few that speak, most looks would be empty.
TEST(QuietPorts, AreLookedAtLessOftenOnlyWhileOthersAreBusy) {
  constexpr unsigned kStride = 8, kMany = 1000;
  test::Testbed bed({.pods = "abc", .quiet_stride = kStride});
  const auto busy = test::Testbed::From('a', 'b').Udp(1, 2).bytes();
  const auto rare = test::Testbed::From('c', 'b').Udp(3, 4).bytes();
  const auto turn_busily = [&] {
    bed.Send('a', busy);
    bed.Turn();
  };
  const auto arrived = [&](const auto& frame) {
    return std::ranges::count(bed.Received('b'), frame);
  };

  for (unsigned i = 0; i < kMany; ++i) turn_busily();
  arrived(busy);
  unsigned longest = 0, total = 0;
  for (unsigned start = 0; start < kStride; ++start) {
    for (unsigned i = 0; i < kMany + start; ++i) turn_busily();
    arrived(rare);
    bed.Send('c', rare);
    unsigned waited = 0;
    do turn_busily(), ++waited;
    while (arrived(rare) == 0 && waited < kMany);
    longest = std::max(longest, waited);
    total += waited;
  }
  EXPECT_LE(longest, kStride);
  EXPECT_GT(total, kStride) << "a quiet port is not looked at in each turn";

  for (unsigned i = 0; i < kMany; ++i) turn_busily();
  bed.Turn();  // nothing to do: the next one looks everywhere
  arrived(rare);
  bed.Send('c', rare);
  bed.Turn();
  EXPECT_EQ(arrived(rare), 1) << "when the others are done, every turn looks";
}

TEST(PollClaims, TwoReadersEndTheProcess) {
  const auto claims = std::make_unique<PollClaims>();
  claims->Enter(7, 0);
  claims->Enter(8, 1);
  EXPECT_DEATH(claims->Enter(7, 1), "port slot 7 is read by worker 1 and another one at once");
  claims->Leave(7, 0);
  claims->Enter(7, 1);
  EXPECT_DEATH(claims->Leave(7, 0), "port slot 7");
}

}  // namespace
}  // namespace sluice::dataplane
