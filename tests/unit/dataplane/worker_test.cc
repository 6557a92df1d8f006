// How a worker rests, and how ports go from one to another.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <vector>

#include "dataplane/backoff.h"
#include "dataplane/poll_claims.h"
#include "dataplane/poll_set.h"
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
  snapshot.ports.resize(200);
  static VhostPort* const nobody = reinterpret_cast<VhostPort*>(64);  // is never asked
  for (PortView& port : snapshot.ports) port.io = PortIo(nobody);
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

// Looks at ports of which some have packets, and counts.
class Looker {
 public:
  explicit Looker(unsigned packets_per_look) : set_(packets_per_look) {}

  void Turn(const Snapshot& snapshot, int times = 1) {
    for (int i = 0; i < times; ++i) {
      set_.Follow(snapshot, 0);
      set_.Turn([this](PortId port) {
        ++looks[port];
        return packets[port];
      });
    }
  }

  std::map<PortId, unsigned> packets, looks;

 private:
  PollSet set_;
};

std::vector<PortId> Ports(PortId count) {
  std::vector<PortId> ports(count);
  std::iota(ports.begin(), ports.end(), PortId{1});
  return ports;
}

TEST(PollSet, QuietPortsTakeTurnsWhileOthersHavePackets) {
  const Snapshot snapshot = Polled({Ports(101)});
  Looker looker(16);
  looker.packets[1] = 32;
  looker.Turn(snapshot, PollSet::kQuietAfter);
  EXPECT_EQ(looker.looks[101], PollSet::kQuietAfter) << "not quiet so far";
  looker.looks.clear();
  looker.Turn(snapshot, 50);
  EXPECT_EQ(looker.looks[1], 50u);
  for (PortId port = 2; port <= 101; ++port) EXPECT_EQ(looker.looks[port], 1u) << port;
}

TEST(PollSet, AQuietPortWithAPacketIsBusyAtOnce) {
  const Snapshot snapshot = Polled({Ports(101)});
  Looker looker(16);
  looker.packets[1] = 1;
  looker.Turn(snapshot, PollSet::kQuietAfter);
  looker.packets[50] = 1;
  looker.looks.clear();
  unsigned turns = 0;
  while (looker.looks[50] == 0 && turns < 1000) looker.Turn(snapshot), ++turns;
  EXPECT_LE(turns, 100u);
  looker.looks.clear();
  looker.Turn(snapshot, 10);
  EXPECT_EQ(looker.looks[50], 10u);
}

TEST(PollSet, AfterATurnThatFoundNothingAllAreLookedAt) {
  const Snapshot snapshot = Polled({Ports(101)});
  Looker looker(16);
  looker.Turn(snapshot, 1000);
  for (PortId port = 1; port <= 101; ++port) EXPECT_EQ(looker.looks[port], 1000u) << port;
}

TEST(PollSet, FollowsTheSnapshotAndKeepsWhoIsQuiet) {
  const Snapshot first = Polled({Ports(10)});
  Looker looker(16);
  looker.packets[1] = 1;
  looker.Turn(first, PollSet::kQuietAfter);
  Snapshot second = Polled({Ports(11)});
  second.epoch = first.epoch + 1;
  looker.looks.clear();
  looker.Turn(second, 9);
  EXPECT_EQ(looker.looks[11], 9u) << "a new port is not quiet";
  for (PortId port = 2; port <= 10; ++port) EXPECT_EQ(looker.looks[port], 1u) << port;
  looker.looks.clear();
  Snapshot third = Polled({{2}});
  third.epoch = second.epoch + 1;
  looker.Turn(third);
  looker.Turn(third);
  EXPECT_EQ(looker.looks, (std::map<PortId, unsigned>{{2, 2}}));
}

TEST(PollSet, APortThatWouldLosePacketsIsNeverQuiet) {
  Snapshot snapshot = Polled({Ports(10)});
  snapshot.ports[5].io = PortIo(uint16_t{3});
  Looker looker(16);
  looker.packets[1] = 32;
  looker.Turn(snapshot, 300);
  EXPECT_EQ(looker.looks[5], 300u);
  EXPECT_LT(looker.looks[6], 200u);
}

TEST(PollSet, WithoutANumberOfPacketsNoPortIsEverQuiet) {
  const Snapshot snapshot = Polled({Ports(10)});
  Looker looker(0);
  looker.packets[1] = 32;
  looker.Turn(snapshot, 300);
  for (PortId port = 1; port <= 10; ++port) EXPECT_EQ(looker.looks[port], 300u) << port;
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
