// A pod moves to another node and back, step by step.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::MacAddress;

const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const MacAddress kAllNodes{{0x33, 0x33, 0, 0, 0, 1}};

Bytes GratuitousArp(char pod) {
  return Frame()
      .Ether(Testbed::Mac(pod), kBroadcast)
      .Arp(1, Testbed::Mac(pod), Testbed::V4(pod), Testbed::V4(pod))
      .bytes();
}
Bytes UnsolicitedAdvertisement(char pod) {
  return Frame()
      .Ether(Testbed::Mac(pod), kAllNodes)
      .Ip(Testbed::V6(pod), "ff02::1")
      .HopLimit(255)
      .Neighbour(136, Testbed::V6(pod))
      .bytes();
}
Bytes Rarp(char pod) {
  return Frame().Ether(Testbed::Mac(pod), kBroadcast).Rarp(Testbed::Mac(pod)).bytes();
}
Bytes ToB() { return Testbed::From('a', 'b').Udp(1, 2).bytes(); }

TEST(Migration, ThereAndBackAgain) {
  Testbed bed({.pods = "ab", .uplink = true, .host = true});
  ASSERT_EQ(bed.Deliver('a', ToB()), "b");
  // b is here: nobody out there announces it.
  EXPECT_EQ(bed.LastDrop('u', GratuitousArp('b')), DropReason::kGuardMac);
  EXPECT_EQ(bed.LastDrop('u', UnsolicitedAdvertisement('b')), DropReason::kGuardMac);

  bed.Unplug('b');  // control has moved it away
  EXPECT_EQ(bed.Deliver('a', ToB()), "u") << "unknown unicast";
  EXPECT_EQ(bed.Deliver('u', GratuitousArp('b')), "ah");
  EXPECT_EQ(bed.Deliver('u', UnsolicitedAdvertisement('b')), "ah");
  EXPECT_EQ(bed.Deliver('h', Testbed::From('h', 'b').Udp(1, 2).bytes()), "u");
  EXPECT_EQ(bed.Deliver('u', Testbed::From('b', 'a').Udp(2, 1).bytes()), "a")
      << "its address is a remote one's now";

  bed.Plug('b');  // it comes back while the uplink's MAC is still known
  EXPECT_EQ(bed.Deliver('a', ToB()), "b") << "the local port counts at once";
  EXPECT_EQ(bed.Deliver('b', GratuitousArp('b')), "ahu") << "the outside learns of it";
  EXPECT_EQ(bed.LastDrop('u', GratuitousArp('b')), DropReason::kGuardMac);
  EXPECT_EQ(bed.LastDrop('u', Testbed::From('b', 'a').Udp(2, 1).bytes()), DropReason::kGuardMac);
}

// QEMU says nothing else for a guest that does not announce itself.
TEST(Migration, ARarpSaysWhereAMacIs) {
  Testbed bed({.pods = "ab", .uplink = true, .host = true});
  EXPECT_EQ(bed.Deliver('b', Rarp('b')), "ahu");
  EXPECT_EQ(bed.LastDrop('a', Rarp('b')), DropReason::kGuardMac);
  EXPECT_EQ(bed.LastDrop('u', Rarp('b')), DropReason::kGuardMac);
  bed.Unplug('b');
  EXPECT_EQ(bed.Deliver('u', Rarp('b')), "ah");
  EXPECT_EQ(bed.Deliver('h', Testbed::From('h', 'b').Udp(1, 2).bytes()), "u");
}

TEST(Migration, AStrangerOnTheWireDoesNotTakeALocalAddress) {
  Testbed bed({.pods = "ab", .uplink = true});
  const MacAddress stranger{{2, 0, 0, 0, 0, 0x66}};
  EXPECT_EQ(bed.LastDrop('u', Frame()
                                  .Ether(stranger, kBroadcast)
                                  .Arp(1, stranger, Testbed::V4('b'), Testbed::V4('b'))
                                  .bytes()),
            DropReason::kGuardArp);
  EXPECT_EQ(bed.LastDrop('u', Frame()
                                  .Ether(stranger, kAllNodes)
                                  .Ip("fd00::66", "ff02::1")
                                  .HopLimit(255)
                                  .Neighbour(136, Testbed::V6('b'))
                                  .bytes()),
            DropReason::kGuardNd);
  bed.Unplug('b');
  EXPECT_EQ(bed.Deliver('u', Frame()
                                 .Ether(stranger, kBroadcast)
                                 .Arp(1, stranger, Testbed::V4('b'), Testbed::V4('b'))
                                 .bytes()),
            "a");
}

TEST(Migration, ConnectionsOfThePortThatLeftAreGone) {
  Testbed bed({.pods = "ab", .uplink = true});
  ASSERT_EQ(bed.Deliver('a', ToB()), "b");
  ASSERT_EQ(bed.connections(), 1u);
  bed.Unplug('b');
  EXPECT_EQ(bed.connections(), 0u);
}

}  // namespace
}  // namespace sluice::test
