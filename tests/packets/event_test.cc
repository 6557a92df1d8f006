// What a worker tells whoever watches: new, closed and denied connections.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::ConnectionEvent;
using dataplane::DenialEvents;
using dataplane::DropReason;
using dataplane::EventKind;
using dataplane::EventRing;
using dataplane::kTcpSyn;
using dataplane::Mode;

std::string RuleText(const Testbed& bed, acl::RuleId id) {
  const acl::RuleSource* source = bed.rule_ids().Find(id);
  return source == nullptr ? "" : source->policies[0] + " " + source->rule;
}

TEST(Events, NobodyWatchesNothingIsTold) {
  Testbed bed;
  bed.Deliver('a', Testbed::From('a', 'b').Udp(1, 2).bytes());
  EXPECT_TRUE(bed.Events().empty());
}

TEST(Events, ANewConnectionHasItsPortsAndTheRuleThatLetItIn) {
  Testbed bed;
  acl::NetworkPolicy policy = Isolate("web", "b", {"Ingress"});
  policy.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({policy});
  bed.Watch();
  bed.Deliver('a', Testbed::From('a', 'b').Tcp(1000, 80, kTcpSyn).bytes());
  bed.Deliver('a', Testbed::From('a', 'b').Tcp(1000, 80, kTcpSyn).bytes());  // the same one
  const std::vector<ConnectionEvent> events = bed.Events();
  ASSERT_EQ(events.size(), 1u);
  const ConnectionEvent& event = events[0];
  EXPECT_EQ(event.kind, EventKind::kNew);
  EXPECT_EQ(event.protocol, 6);
  EXPECT_EQ(event.initiator.address.ToString(), "10.0.0.1");
  EXPECT_EQ(event.initiator.port, 1000);
  EXPECT_EQ(event.initiator.subject, bed.id('a'));
  EXPECT_EQ(event.responder.address.ToString(), "10.0.0.2");
  EXPECT_EQ(event.responder.port, 80);
  EXPECT_EQ(event.responder.subject, bed.id('b'));
  EXPECT_EQ(event.egress_rule, acl::kNoRule);
  EXPECT_EQ(RuleText(bed, event.ingress_rule), "NetworkPolicy default/web ingress[0]");
}

TEST(Events, ADeniedFlowIsToldOnceASecondWithItsPackets) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  bed.Watch();
  const Bytes syn = Testbed::From('a', 'b').Tcp(1000, 80, kTcpSyn).bytes();
  for (int i = 0; i < 100; ++i) bed.Deliver('a', syn);
  std::vector<ConnectionEvent> events = bed.Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, EventKind::kDenied);
  EXPECT_EQ(events[0].reason, DropReason::kPolicyIngress);
  EXPECT_EQ(RuleText(bed, events[0].ingress_rule), "NetworkPolicy default/deny ");
  EXPECT_EQ(events[0].packets, 1u);

  bed.Advance(DenialEvents::kWindowMs);
  for (unsigned turn = 0; turn < DenialEvents::kFlows; ++turn) {
    bed.Advance(1);
    bed.Turn();
  }
  events = bed.Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].packets, 99u);
}

TEST(Events, AReplyThatPolicyNowDeniesIsToldAsItsInitiators) {
  Testbed bed;
  bed.Deliver('a', Testbed::From('a', 'b').Udp(5, 53).bytes());
  bed.Apply({Isolate("cut", "b", {"Ingress"})});
  bed.Watch();
  bed.Deliver('b', Testbed::From('b', 'a').Udp(53, 5).bytes());
  const std::vector<ConnectionEvent> events = bed.Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, EventKind::kDenied);
  EXPECT_EQ(events[0].initiator.port, 5);
  EXPECT_EQ(events[1].kind, EventKind::kClosed);
  EXPECT_EQ(events[1].initiator.port, 5);
  EXPECT_EQ(events[1].packets, 1u);
  EXPECT_STREQ(events[1].state, "unreplied");
}

TEST(Events, AClosedConnectionSaysWhatPassedAndHowLong) {
  Testbed bed;
  const Bytes question = Testbed::From('a', 'b').Udp(5, 53, "who?").bytes();
  const Bytes answer = Testbed::From('b', 'a').Udp(53, 5, "nobody that we know").bytes();
  bed.Deliver('a', question);
  bed.Advance(700);
  bed.Deliver('b', answer);
  bed.Advance(1300);
  bed.Deliver('a', question);
  bed.Advance(50);
  bed.Watch();
  bed.Unplug('b');
  const std::vector<ConnectionEvent> events = bed.Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, EventKind::kClosed);
  EXPECT_EQ(events[0].packets, 3u);
  EXPECT_EQ(events[0].bytes, 2 * question.size() + answer.size());
  EXPECT_EQ(events[0].duration_ms, 2000u);
}

TEST(Events, AConnectionThatTimesOutIsClosed) {
  Testbed bed;
  bed.Deliver('a', Testbed::From('a', 'b').Udp(5, 53).bytes());
  bed.Watch();
  bed.Advance(3'600'000);
  for (int turn = 0; turn < 100; ++turn) {
    bed.Turn();
    bed.Advance(100);
  }
  const std::vector<ConnectionEvent> events = bed.Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, EventKind::kClosed);
}

TEST(Events, ObservedDenialsAreToldAsSuchAndTheConnectionAsNew) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  bed.SetMode(Mode::kObserve);
  bed.Watch();
  bed.Deliver('a', Testbed::From('a', 'b').Udp(5, 53).bytes());
  const std::vector<ConnectionEvent> events = bed.Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, EventKind::kObserved);
  EXPECT_EQ(events[1].kind, EventKind::kNew);
}

TEST(Events, ATraceIsNotTold) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  bed.Watch();
  bed.Trace('a', Testbed::From('a', 'b').Udp(5, 53).bytes());
  bed.Trace('b', Testbed::From('b', 'a').Udp(5, 53).bytes());
  EXPECT_TRUE(bed.Events().empty());
}

TEST(EventRing, AFullRingLosesTheNewestAndCountsThem) {
  auto ring = std::make_unique<EventRing>();
  ConnectionEvent event;
  for (uint64_t number = 0; number < EventRing::kCapacity + 10; ++number) {
    event.packets = number;
    ring->Push(event);
  }
  EXPECT_EQ(ring->lost(), 10u);
  uint64_t expected = 0;
  ring->Drain([&](const ConnectionEvent& got) { EXPECT_EQ(got.packets, expected++); });
  EXPECT_EQ(expected, EventRing::kCapacity);
  ring->Push(event);
  EXPECT_EQ(ring->Drain([](const ConnectionEvent&) {}), 1u);
  EXPECT_EQ(ring->lost(), 10u);
}

TEST(DenialEvents, AFloodOfFlowsIsToldAtABoundedRateAndNothingIsUncounted) {
  auto ring = std::make_unique<EventRing>();
  auto events = std::make_unique<DenialEvents>();
  constexpr uint64_t kFlood = 100'000;
  for (uint64_t flow = 1; flow <= kFlood; ++flow) events->Add(flow, {}, 5000, *ring);
  const uint32_t told = ring->Drain([](const ConnectionEvent&) {});
  EXPECT_EQ(told, DenialEvents::kEventsPerSecond);
  EXPECT_EQ(told + ring->lost(), kFlood);
  events->Add(kFlood + 1, {}, 6000, *ring);
  EXPECT_EQ(ring->Drain([](const ConnectionEvent&) {}), 1u) << "the next second";
}

}  // namespace
}  // namespace sluice::test
