// DHCP in a network that allows it, and in one that does not.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::MacAddress;

const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const MacAddress kAllServers{{0x33, 0x33, 0, 1, 0, 2}};
const MacAddress kServer{{2, 0, 0, 0, 0, 0x99}};

Bytes Discover() {
  return Frame()
      .Ether(Testbed::Mac('a'), kBroadcast)
      .Ip("0.0.0.0", "255.255.255.255")
      .Udp(68, 67)
      .bytes();
}
Bytes Solicit() {
  return Frame()
      .Ether(Testbed::Mac('a'), kAllServers)
      .Ip("fe80::ff:fe00:1", "ff02::1:2")
      .Udp(546, 547)
      .bytes();
}
Bytes Offer() {
  return Frame().Ether(kServer, Testbed::Mac('a')).Ip("10.9.9.1", "10.0.0.9").Udp(67, 68).bytes();
}

class Dhcp : public ::testing::Test {
 protected:
  Dhcp() : bed_({.pods = "ab", .uplink = true, .host = true}) {
    bed_.Apply({Isolate("deny", "a", {"Ingress", "Egress"})});
  }
  Testbed bed_;
};

TEST_F(Dhcp, IsTrafficLikeAnyOtherWhereItIsNotAllowed) {
  EXPECT_EQ(bed_.LastDrop('a', Discover()), DropReason::kGuardAddress);
  EXPECT_EQ(bed_.LastDrop('a', Solicit()), DropReason::kPolicyEgress);
  EXPECT_NE(bed_.LastDrop('u', Offer()), DropReason::kNone);
}

TEST_F(Dhcp, QuestionsReachTheOutsideAndNoPod) {
  bed_.SetDhcp(true);
  EXPECT_EQ(bed_.Deliver('a', Discover()), "hu");
  EXPECT_EQ(bed_.Deliver('a', Solicit()), "hu");
  EXPECT_EQ(
      bed_.Deliver(
          'a',
          Frame().Ether(Testbed::Mac('a'), kServer).Ip("10.0.0.1", "10.9.9.1").Udp(68, 67).bytes()),
      "u")
      << "a renewal";
  EXPECT_EQ(bed_.connections(), 0u);
}

TEST_F(Dhcp, AnswersFromTheOutsideReachThePod) {
  bed_.SetDhcp(true);
  EXPECT_EQ(bed_.Deliver('u', Offer()), "a");
  EXPECT_EQ(
      bed_.Deliver(
          'u',
          Frame().Ether(kServer, Testbed::Mac('a')).Ip("fe80::9", "fe80::1").Udp(547, 546).bytes()),
      "a");
}

TEST_F(Dhcp, PodsDoNotAnswer) {
  bed_.SetDhcp(true);
  const Bytes offer = Frame()
                          .Ether(Testbed::Mac('b'), Testbed::Mac('a'))
                          .Ip("10.0.0.2", "10.0.0.9")
                          .Udp(67, 68)
                          .bytes();
  EXPECT_EQ(bed_.LastDrop('b', offer), DropReason::kGuardDhcp);
  bed_.SetGuard('b', false);
  EXPECT_EQ(bed_.LastDrop('b', offer), DropReason::kGuardDhcp) << "a router pod neither";
}

TEST_F(Dhcp, IsNoWayAroundPolicyBetweenPods) {
  bed_.SetDhcp(true);
  EXPECT_EQ(bed_.LastDrop('a', Testbed::From('a', 'b').Udp(68, 67).bytes()),
            DropReason::kPolicyEgress);
  EXPECT_EQ(bed_.LastDrop('a', Frame()
                                   .Ether(Testbed::Mac('a'), kBroadcast)
                                   .Ip("10.0.0.1", "10.0.0.2")
                                   .Udp(68, 67)
                                   .bytes()),
            DropReason::kWrongDestination);
}

TEST_F(Dhcp, TheSourceIsGuardedStill) {
  bed_.SetDhcp(true);
  EXPECT_EQ(bed_.LastDrop('a', Frame()
                                   .Ether(Testbed::Mac('a'), kBroadcast)
                                   .Ip("10.0.0.2", "255.255.255.255")
                                   .Udp(68, 67)
                                   .bytes()),
            DropReason::kGuardAddress);
  EXPECT_EQ(
      bed_.LastDrop(
          'a',
          Frame().Ether(kServer, kBroadcast).Ip("0.0.0.0", "255.255.255.255").Udp(68, 67).bytes()),
      DropReason::kGuardMac);
  EXPECT_EQ(bed_.LastDrop('a', Frame()
                                   .Ether(Testbed::Mac('a'), kBroadcast)
                                   .Ip("0.0.0.0", "255.255.255.255")
                                   .Udp(68, 69)
                                   .bytes()),
            DropReason::kGuardAddress);
}

}  // namespace
}  // namespace sluice::test
