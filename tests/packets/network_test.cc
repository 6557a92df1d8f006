// Networks: bridge domains that share a switch and an uplink, and nothing else.
#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using dataplane::MacAddress;
using Frames = std::vector<Bytes>;

const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const MacAddress kOutside{{2, 0, 0, 0, 0, 0x99}};
constexpr uint16_t kBlue = 100;

// Two networks on one uplink: default without a tag, blue as VLAN 100. Pods have the same addresses
// in both.
TestbedConfig Trunk() {
  return {.pods = "ab", .blue_pods = "AB", .uplink = true, .blue_vlan = kBlue};
}

Bytes Udp(char from, char to) { return Testbed::From(from, to).Udp(1, 2).bytes(); }

Frame Outside(char to) { return Frame().Ether(kOutside, Testbed::Mac(to)); }
Bytes FromOutside(char to) { return Outside(to).Ip("10.9.9.9", Testbed::V4(to)).Udp(7, 8).bytes(); }
Bytes FromOutside(char to, uint16_t vlan) {
  return Outside(to).Vlan(vlan).Ip("10.9.9.9", Testbed::V4(to)).Udp(7, 8).bytes();
}
Bytes ToOutside(char from) {
  return Frame()
      .Ether(Testbed::Mac(from), kOutside)
      .Ip(Testbed::V4(from), "10.9.9.9")
      .Udp(7, 8)
      .bytes();
}
Bytes ArpFrom(char pod) {
  return Frame()
      .Ether(Testbed::Mac(pod), kBroadcast)
      .Arp(1, Testbed::Mac(pod), Testbed::V4(pod), "10.0.0.77")
      .bytes();
}

// What came out of `port` after one frame into `into`.
std::vector<Bytes> Through(Testbed& bed, char into, const Bytes& frame, char port) {
  bed.Send(into, frame);
  bed.Turn();
  return bed.Received(port);
}

Bytes Tagged(const Bytes& frame, uint16_t vlan) {
  Bytes tagged(frame.begin(), frame.begin() + 12);
  for (const unsigned byte : {0x81u, 0x00u, vlan / 256u, vlan % 256u}) {
    tagged.push_back(static_cast<uint8_t>(byte));
  }
  tagged.insert(tagged.end(), frame.begin() + 12, frame.end());
  return tagged;
}

TEST(Network, TheSameAddressesInTwoNetworksDoNotMeet) {
  Testbed bed(Trunk());
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
  EXPECT_EQ(bed.Deliver('A', Udp('A', 'B')), "B");
  EXPECT_EQ(bed.connections(), 2u) << "one 5-tuple, two networks, two connections";
}

TEST(Network, BroadcastStaysInIt) {
  Testbed bed({.pods = "abc", .blue_pods = "AB"});
  EXPECT_EQ(bed.Deliver('a', ArpFrom('a')), "bc");
  EXPECT_EQ(bed.Deliver('A', ArpFrom('A')), "B");
}

TEST(Network, PoliciesOfDefaultLeaveOthersAlone) {
  Testbed bed(Trunk());
  bed.Apply({Isolate("deny", "b", {"Ingress"}), Isolate("deny-blue", "B", {"Ingress"})});
  EXPECT_EQ(bed.LastDrop('a', Udp('a', 'b')), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.Deliver('A', Udp('A', 'B')), "B");
}

TEST(Network, AConnectionOfOneIsNoConnectionOfTheOther) {
  Testbed bed(Trunk());
  const Bytes syn = Testbed::From('a', 'b').Tcp(1000, 80, kTcpSyn).bytes();
  const Bytes syn_ack = Testbed::From('b', 'a').Tcp(80, 1000, kTcpSyn | kTcpAck).bytes();
  ASSERT_EQ(bed.Deliver('a', syn), "b");
  EXPECT_EQ(bed.LastDrop('B', syn_ack), DropReason::kTcpNotSyn);
  EXPECT_EQ(bed.Deliver('b', syn_ack), "a");
}

TEST(Network, UplinkTagsAndUntags) {
  Testbed bed(Trunk());
  EXPECT_EQ(Through(bed, 'u', FromOutside('a', kBlue), 'A'), Frames{FromOutside('a')});
  EXPECT_EQ(Through(bed, 'u', FromOutside('a'), 'a'), Frames{FromOutside('a')});
  EXPECT_EQ(Through(bed, 'A', ToOutside('A'), 'u'), Frames{Tagged(ToOutside('A'), kBlue)});
  EXPECT_EQ(Through(bed, 'a', ToOutside('a'), 'u'), Frames{ToOutside('a')});
}

TEST(Network, DefaultCanBeTaggedToo) {
  Testbed bed({.pods = "ab", .uplink = true, .vlan = 7});
  EXPECT_EQ(Through(bed, 'u', FromOutside('a', 7), 'a'), Frames{FromOutside('a')});
  EXPECT_EQ(Through(bed, 'a', ToOutside('a'), 'u'), Frames{Tagged(ToOutside('a'), 7)});
  EXPECT_EQ(bed.LastDrop('u', FromOutside('a')), DropReason::kVlanUnknown)
      << "no network is untagged there";
}

TEST(Network, TaggedRepliesFindTheirConnection) {
  Testbed bed(Trunk());
  Frame syn = Frame().Ether(Testbed::Mac('A'), kOutside).Ip("10.0.0.1", "10.9.9.9");
  Through(bed, 'A', syn.Tcp(1000, 80, kTcpSyn).bytes(), 'u');
  Frame reply = Outside('A').Vlan(kBlue).Ip("10.9.9.9", "10.0.0.1");
  EXPECT_EQ(Through(bed, 'u', reply.Tcp(80, 1000, kTcpSyn | kTcpAck).bytes(), 'A').size(), 1u);
  EXPECT_EQ(bed.connections(), 1u);
}

TEST(Network, FloodIsTaggedOnTheUplinkOnly) {
  Testbed bed(Trunk());
  bed.Send('A', ArpFrom('A'));
  bed.Turn();
  EXPECT_EQ(bed.Received('B'), Frames{ArpFrom('A')});
  EXPECT_EQ(bed.Received('u'), Frames{Tagged(ArpFrom('A'), kBlue)});
  EXPECT_TRUE(bed.Received('b').empty());
}

TEST(Network, PriorityTagIsNoTag) {
  Testbed bed(Trunk());
  EXPECT_EQ(Through(bed, 'u', FromOutside('a', 0x6000), 'a'), Frames{FromOutside('a')});
  EXPECT_EQ(Through(bed, 'u', FromOutside('a', 0x6000 | kBlue), 'A'), Frames{FromOutside('a')})
      << "priority bits do not count";
}

TEST(Network, TagsThatNobodyHasAndTwoTagsDie) {
  Testbed bed(Trunk());
  EXPECT_EQ(bed.LastDrop('u', FromOutside('a', 101)), DropReason::kVlanUnknown);
  EXPECT_EQ(bed.LastDrop('u', FromOutside('a', 0xfff)), DropReason::kVlanUnknown);
  Frame two = Outside('a').Vlan(kBlue).Vlan(5).Ip("10.9.9.9", "10.0.0.1");
  EXPECT_EQ(bed.LastDrop('u', two.Udp(7, 8).bytes()), DropReason::kVlanNotAllowed);
  EXPECT_EQ(bed.LastDrop(
                'u', Outside('a').Ip("10.9.9.9", "10.0.0.1").Udp(7, 8).Set16(12, 0x88a8).bytes()),
            DropReason::kVlanNotAllowed);
}

TEST(Network, ATagThatTheDeviceTookOffCountsAndOneOfTwoDoesNot) {
  Testbed bed(Trunk());
  bed.SendStripped('u', FromOutside('a'), 0x6000 | kBlue, false);
  bed.Turn();
  EXPECT_EQ(bed.Received('A'), Frames{FromOutside('a')});
  bed.SendStripped('u', FromOutside('a'), kBlue, true);
  bed.Turn();
  EXPECT_EQ(bed.Drops('u', DropReason::kVlanNotAllowed), 1u);
  EXPECT_TRUE(bed.Received('A').empty());
}

TEST(Network, TagThatTheFrameEndsInDies) {
  Testbed bed(Trunk());
  Bytes frame = FromOutside('a', kBlue);
  for (size_t length = 14; length < 18; ++length) {
    frame.resize(length);
    EXPECT_EQ(bed.LastDrop('u', frame), DropReason::kVlanNotAllowed) << length;
  }
}

TEST(Network, PodsTagsDieWhateverTheyName) {
  Testbed bed(Trunk());
  for (const uint16_t vlan : {uint16_t{0}, kBlue, uint16_t{5}}) {
    EXPECT_EQ(bed.LastDrop('a', Tagged(Udp('a', 'b'), vlan)), DropReason::kVlanNotAllowed) << vlan;
  }
}

TEST(Network, OneBurstMayHoldPacketsOfAllNetworks) {
  Testbed bed(Trunk());
  for (int i = 0; i < 4; ++i) {
    bed.Send('u', FromOutside('a'));
    bed.Send('u', FromOutside('b', kBlue));
    bed.Send('u', FromOutside('a', 5));
    bed.Send('u', FromOutside('a', kBlue));
  }
  bed.Turn();
  EXPECT_EQ(bed.Received('a').size(), 4u);
  EXPECT_EQ(bed.Received('A').size(), 4u);
  EXPECT_EQ(bed.Received('B').size(), 4u);
  EXPECT_EQ(bed.Drops('u', DropReason::kVlanUnknown), 4u);
  EXPECT_EQ(bed.Drops('u'), 4u);
}

TEST(Network, TheUplinkHasNoPodsMac) {
  Testbed bed(Trunk());
  const Bytes thief = Frame()
                          .Ether(Testbed::Mac('b'), Testbed::Mac('a'))
                          .Ip("10.9.9.9", "10.0.0.1")
                          .Udp(7, 8)
                          .bytes();
  EXPECT_EQ(bed.LastDrop('u', thief), DropReason::kGuardMac);
}

}  // namespace
}  // namespace sluice::test
