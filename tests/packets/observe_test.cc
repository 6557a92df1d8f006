// Mode observe: policy is computed and counted, and nobody is dropped for it.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::Denial;
using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using dataplane::Mode;
using dataplane::Outcome;

Bytes Syn(char from, char to, uint16_t port) {
  return Testbed::From(from, to).Tcp(1000, port, kTcpSyn).bytes();
}

uint64_t Observed(const Testbed& bed, DropReason reason) {
  uint64_t sum = 0;
  bed.journal(0).denials().ForEach([&](const Denial& denial, uint64_t packets) {
    if (denial.outcome == Outcome::kObserved && denial.reason == reason) sum += packets;
  });
  return sum;
}

TEST(Observe, WhatPolicyWouldDenyPassesAndIsCounted) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"}), Isolate("out", "b", {"Egress"})});
  bed.SetMode(Mode::kObserve);
  EXPECT_EQ(bed.Deliver('a', Syn('a', 'b', 80)), "b");
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Udp(1, 2).bytes()), "a");
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Icmp(13, 0).bytes()), "a");
  EXPECT_EQ(Observed(bed, DropReason::kPolicyIngress), 1u);
  EXPECT_EQ(Observed(bed, DropReason::kPolicyEgress), 2u);
  EXPECT_EQ(bed.Drops('a'), 0u);
  EXPECT_EQ(bed.Drops('b'), 0u);
}

TEST(Observe, WhatPolicyAllowsIsNotCounted) {
  Testbed bed;
  acl::NetworkPolicy policy = Isolate("web", "b", {"Ingress"});
  policy.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({policy});
  bed.SetMode(Mode::kObserve);
  EXPECT_EQ(bed.Deliver('a', Syn('a', 'b', 80)), "b");
  EXPECT_EQ(Observed(bed, DropReason::kPolicyIngress), 0u);
}

TEST(Observe, EnforcingAgainCutsWhatWasLetThrough) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  bed.SetMode(Mode::kObserve);
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Udp(1, 2).bytes()), "b");
  EXPECT_EQ(bed.connections(), 1u);
  bed.SetMode(Mode::kEnforce);
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Udp(2, 1).bytes()), "");
  EXPECT_EQ(bed.connections(), 0u);
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Udp(1, 2).bytes()), "");
}

TEST(Observe, APodWithoutLabelsIsLetThroughAndCountedAsShut) {
  Testbed bed;
  bed.ForgetLabels('a');
  bed.SetMode(Mode::kObserve);
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Udp(1, 2).bytes()), "b");
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Udp(2, 1).bytes()), "a");
  EXPECT_EQ(Observed(bed, DropReason::kPortShut), 1u);
  EXPECT_EQ(Observed(bed, DropReason::kReceiverShut), 1u);
  bed.SetMode(Mode::kEnforce);
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Udp(1, 2).bytes()), DropReason::kPortShut);
}

TEST(Observe, SpoofedMalformedAndStraySegmentsDieAsEver) {
  Testbed bed({.pods = "abc"});
  bed.ForgetLabels('c');
  bed.SetMode(Mode::kObserve);
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('b', 'a').Udp(1, 2).bytes()), DropReason::kGuardMac);
  EXPECT_EQ(bed.LastDrop('c', Testbed::From('b', 'a').Udp(1, 2).bytes()), DropReason::kGuardMac)
      << "an unknown pod is guarded too";
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Udp(1, 2).Truncate(20).bytes()),
            DropReason::kTruncated);
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Tcp(1, 2, kTcpAck).bytes()),
            DropReason::kTcpNotSyn);
}

TEST(Observe, AMulticastReachesThoseThatPolicyWouldKeepItFrom) {
  Testbed bed({.pods = "abc"});
  bed.Apply({Isolate("b", "b", {"Ingress"}), Isolate("c", "c", {"Ingress"})});
  bed.SetMode(Mode::kObserve);
  Frame frame;
  frame.Ether(Testbed::Mac('a'), {{1, 0, 0x5e, 1, 1, 1}}).Ip("10.0.0.1", "224.1.1.1").Udp(5, 5);
  EXPECT_EQ(bed.Deliver('a', frame.bytes()), "bc");
  EXPECT_EQ(Observed(bed, DropReason::kPolicyIngress), 1u) << "one packet, were it enforced";
}

}  // namespace
}  // namespace sluice::test
