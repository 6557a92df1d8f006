// Broadcast and multicast: judged for each receiving port, never a connection.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::MacAddress;

const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const MacAddress kGroup{{0x01, 0x00, 0x5e, 0, 0, 5}};

Bytes Multicast(char from) {
  return Frame()
      .Ether(Testbed::Mac(from), kGroup)
      .Ip(Testbed::V4(from), "224.0.0.5")
      .Udp(5, 5)
      .bytes();
}

TEST(Flood, ReachesEveryOtherMember) {
  Testbed bed({.pods = "abcd", .uplink = true});
  EXPECT_EQ(bed.Deliver('a', Multicast('a')), "bcdu");
  EXPECT_EQ(bed.connections(), 0u);
}

TEST(Flood, IsJudgedForEachReceiver) {
  Testbed bed({.pods = "abcd"});
  acl::NetworkPolicy only_b = Isolate("d", "d", {"Ingress"});
  only_b.ingress = {Admit("b")};
  bed.Apply({Isolate("c", "c", {"Ingress"}), only_b});
  EXPECT_EQ(bed.Deliver('a', Multicast('a')), "b");
  EXPECT_EQ(bed.Deliver('b', Multicast('b')), "ad");
}

TEST(Flood, ThatNobodyMayHaveDiesOfPolicy) {
  Testbed bed;
  bed.Apply({Isolate("b", "b", {"Ingress"})});
  EXPECT_EQ(bed.LastDrop('a', Multicast('a')), DropReason::kPolicyIngress);
}

TEST(Flood, AnswersToTheSendersEgress) {
  Testbed bed({.pods = "abc"});
  bed.Apply({Isolate("a", "a", {"Egress"})});
  EXPECT_EQ(bed.LastDrop('a', Multicast('a')), DropReason::kPolicyEgress);
  const Bytes arp = Frame()
                        .Ether(Testbed::Mac('a'), kBroadcast)
                        .Arp(1, Testbed::Mac('a'), "10.0.0.1", "10.0.0.2")
                        .bytes();
  EXPECT_EQ(bed.Deliver('a', arp), "bc") << "ARP is not policy";
}

TEST(Flood, DoesNotOpenTheWayBack) {
  Testbed bed;
  bed.Apply({Isolate("a", "a", {"Ingress"})});
  EXPECT_EQ(bed.Deliver('a', Multicast('a')), "b");
  const Bytes answer = Testbed::From('b', 'a').Udp(5, 5).bytes();
  EXPECT_EQ(bed.LastDrop('b', answer), DropReason::kPolicyIngress);
}

// DPDK builds differ in how many ports they allow, so members are repeated instead.
TEST(Flood, OfMoreMembersThanABurstReachesAll) {
  Testbed bed({.pods = "abc"});
  auto& members = bed.next().networks[0].members;
  const dataplane::PortId b = members[1];
  for (int i = 0; i < 40; ++i) members.push_back(b);
  bed.Publish();
  EXPECT_EQ(bed.Deliver('a', Multicast('a')), std::string(41, 'b') + "c");
}

}  // namespace
}  // namespace sluice::test
