// Where frames for MACs go that are no pod's own: learned behind uplinks and the host port.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::MacAddress;

const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const MacAddress kBehindHost{{2, 0, 0, 0, 0, 0x71}};
const MacAddress kOutside{{2, 0, 0, 0, 0, 0x99}};

TestbedConfig WithHost() {
  return {.pods = "ab", .blue_pods = "A", .uplink = true, .host = true, .blue_vlan = 100};
}

Bytes ArpFrom(const MacAddress& mac, const std::string& address) {
  return Frame().Ether(mac, kBroadcast).Arp(1, mac, address, "10.0.0.77").bytes();
}
Bytes To(const MacAddress& mac, char from) {
  return Frame().Ether(Testbed::Mac(from), mac).Ip(Testbed::V4(from), "10.9.9.9").Udp(1, 2).bytes();
}

TEST(Learning, UnknownUnicastGoesToTheUplink) {
  Testbed bed(WithHost());
  EXPECT_EQ(bed.Deliver('a', To(kBehindHost, 'a')), "u");
}

TEST(Learning, AMacSeenBehindTheHostPortIsThere) {
  Testbed bed(WithHost());
  bed.Deliver('h', ArpFrom(kBehindHost, "10.9.9.9"));
  EXPECT_EQ(bed.Deliver('a', To(kBehindHost, 'a')), "h");
  EXPECT_EQ(
      bed.Deliver(
          'u', Frame().Ether(kOutside, kBehindHost).Ip("10.8.8.8", "10.9.9.9").Udp(1, 2).bytes()),
      "h");
}

TEST(Learning, AMacThatMovesIsFollowed) {
  Testbed bed(WithHost());
  bed.Deliver('h', ArpFrom(kBehindHost, "10.9.9.9"));
  bed.Deliver('u', ArpFrom(kBehindHost, "10.9.9.9"));
  EXPECT_EQ(bed.Deliver('a', To(kBehindHost, 'a')), "u");
}

TEST(Learning, AMacNotSeenForLongIsForgotten) {
  Testbed bed(WithHost());
  bed.Deliver('h', ArpFrom(kBehindHost, "10.9.9.9"));
  bed.Advance(299'000);
  EXPECT_EQ(bed.Deliver('a', To(kBehindHost, 'a')), "h");
  bed.Advance(1'001);
  EXPECT_EQ(bed.Deliver('a', To(kBehindHost, 'a')), "u");
}

TEST(Learning, SurvivesNewSnapshots) {
  Testbed bed(WithHost());
  bed.Deliver('h', ArpFrom(kBehindHost, "10.9.9.9"));
  bed.Apply({});
  EXPECT_EQ(bed.Deliver('a', To(kBehindHost, 'a')), "h");
}

TEST(Learning, IsOfOneNetwork) {
  Testbed bed(WithHost());
  bed.Deliver('h', ArpFrom(kBehindHost, "10.9.9.9"));
  bed.Send('A', To(kBehindHost, 'A'));
  bed.Turn();
  EXPECT_EQ(bed.Received('u').size(), 1u) << "blue has not seen it";
}

TEST(Learning, WhatIsOnTheUplinkDoesNotGoBackThere) {
  Testbed bed(WithHost());
  bed.Deliver('u', ArpFrom(kOutside, "10.9.9.9"));
  EXPECT_EQ(bed.LastDrop('u', Frame()
                                  .Ether(MacAddress{{2, 0, 0, 0, 0, 0x98}}, kOutside)
                                  .Ip("10.8.8.8", "10.9.9.9")
                                  .Udp(1, 2)
                                  .bytes()),
            DropReason::kHairpin);
}

TEST(Learning, DoesNotTakeAPodsMac) {
  Testbed bed(WithHost());
  EXPECT_EQ(bed.LastDrop('u', ArpFrom(Testbed::Mac('b'), "10.9.9.9")), DropReason::kGuardMac);
  EXPECT_EQ(bed.LastDrop('h', ArpFrom(Testbed::Mac('b'), "10.9.9.9")), DropReason::kGuardMac);
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Udp(1, 2).bytes()), "b");
}

TEST(Learning, PodsTeachNothingButWhatTheyAreAllowed) {
  Testbed bed(WithHost());
  const MacAddress other{{2, 0, 0, 0, 0, 0x55}};
  EXPECT_EQ(bed.LastDrop('a', ArpFrom(other, "10.0.0.1")), DropReason::kGuardMac);
  bed.SetGuard('a', false);
  bed.Deliver('a', ArpFrom(other, "10.0.0.1"));
  EXPECT_EQ(bed.Deliver('b', To(other, 'b')), "u") << "a router pod's MACs are not learned";
}

}  // namespace
}  // namespace sluice::test
