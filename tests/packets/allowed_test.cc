// Addresses and MACs that a pod may use beside its own: VRRP, nested pods.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::MacAddress;

const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const MacAddress kAllNodes{{0x33, 0x33, 0, 0, 0, 1}};
const MacAddress kVirtual{{0x00, 0x00, 0x5e, 0x00, 0x01, 0x07}};
constexpr char kVip[] = "10.0.0.50";

Bytes UdpFrom(const MacAddress& mac, const std::string& address) {
  return Frame().Ether(mac, Testbed::Mac('b')).Ip(address, Testbed::V4('b')).Udp(1, 2).bytes();
}
Bytes ArpFrom(const MacAddress& mac, const std::string& address) {
  return Frame().Ether(mac, kBroadcast).Arp(2, mac, address, "10.0.0.2").bytes();
}
Bytes Advertise(const MacAddress& mac, const std::string& address) {
  return Frame()
      .Ether(mac, kAllNodes)
      .Ip(address, "ff02::1")
      .HopLimit(255)
      .Neighbour(136, address)
      .bytes();
}
Bytes ToVip(char from, const MacAddress& mac) {
  return Frame().Ether(Testbed::Mac(from), mac).Ip(Testbed::V4(from), kVip).Udp(1, 2).bytes();
}

TEST(Allowed, AnAddressIsRefusedUntilItIsAllowed) {
  Testbed bed({.pods = "abc"});
  const MacAddress a = Testbed::Mac('a');
  EXPECT_EQ(bed.LastDrop('a', UdpFrom(a, kVip)), DropReason::kGuardAddress);
  EXPECT_EQ(bed.LastDrop('a', ArpFrom(a, kVip)), DropReason::kGuardArp);
  EXPECT_EQ(bed.LastDrop('b', ToVip('b', a)), DropReason::kWrongDestination);
  bed.Allow('a', kVip);
  EXPECT_EQ(bed.Deliver('a', UdpFrom(a, kVip)), "b");
  EXPECT_EQ(bed.Deliver('a', ArpFrom(a, kVip)), "bc");
  EXPECT_EQ(bed.Deliver('c', ToVip('c', a)), "a");
  EXPECT_EQ(bed.LastDrop('a', UdpFrom(a, "10.0.0.51")), DropReason::kGuardAddress);
  EXPECT_EQ(bed.LastDrop('b', ArpFrom(Testbed::Mac('b'), kVip)), DropReason::kGuardArp)
      << "allowed to a, not to b";
}

// Guard asks once about packets in a row that claim the same.
TEST(Allowed, WhatFollowsAnHonestPacketIsHeldAgainstItsOwnClaims) {
  Testbed bed;
  const MacAddress a = Testbed::Mac('a');
  const std::string own = Testbed::V4('a');
  for (const Bytes& frame : {UdpFrom(a, own), UdpFrom(a, own), UdpFrom(a, kVip),
                             UdpFrom(kVirtual, own), ArpFrom(a, kVip), UdpFrom(a, own)}) {
    bed.Send('a', frame);
  }
  bed.Turn();
  EXPECT_EQ(bed.Received('b').size(), 3u);
  EXPECT_EQ(bed.Drops('a', DropReason::kGuardAddress), 1u);
  EXPECT_EQ(bed.Drops('a', DropReason::kGuardMac), 1u);
  EXPECT_EQ(bed.Drops('a', DropReason::kGuardArp), 1u);
}

TEST(Allowed, ABlockOfEitherFamily) {
  Testbed bed;
  bed.Allow('a', "10.7.0.0/16");
  bed.Allow('a', "fd07::/64");
  const MacAddress a = Testbed::Mac('a');
  EXPECT_EQ(bed.Deliver('a', UdpFrom(a, "10.7.3.4")), "b");
  EXPECT_EQ(bed.LastDrop('a', UdpFrom(a, "10.8.0.1")), DropReason::kGuardAddress);
  EXPECT_EQ(bed.Deliver('a', Advertise(a, "fd07::5")), "b");
  EXPECT_EQ(bed.LastDrop('a', Advertise(a, "fd07:0:0:1::5")), DropReason::kGuardNd);
}

TEST(Allowed, AMacGoesWithItsAddressAndThePodsOwn) {
  Testbed bed;
  bed.Allow('a', std::string(kVip) + "@" + kVirtual.ToString());
  bed.Allow('a', "10.0.0.60");
  EXPECT_EQ(bed.Deliver('a', UdpFrom(kVirtual, kVip)), "b");
  EXPECT_EQ(bed.Deliver('a', UdpFrom(kVirtual, Testbed::V4('a'))), "b") << "a VRRP advertisement";
  EXPECT_EQ(bed.LastDrop('a', UdpFrom(Testbed::Mac('a'), kVip)), DropReason::kGuardAddress);
  EXPECT_EQ(bed.LastDrop('a', UdpFrom(kVirtual, "10.0.0.60")), DropReason::kGuardAddress);
  EXPECT_EQ(bed.LastDrop('b', UdpFrom(kVirtual, kVip)), DropReason::kGuardMac);
}

TEST(Allowed, TheVirtualMacFollowsWhoSpokeLast) {
  Testbed bed({.pods = "abc"});
  const std::string vip = std::string(kVip) + "@" + kVirtual.ToString();
  bed.Allow('a', vip);
  bed.Allow('b', vip);
  EXPECT_EQ(bed.LastDrop('c', ToVip('c', kVirtual)), DropReason::kNoRoute) << "nobody spoke yet";
  bed.Deliver('a', ArpFrom(kVirtual, kVip));
  EXPECT_EQ(bed.Deliver('c', ToVip('c', kVirtual)), "a");
  bed.Deliver('b', ArpFrom(kVirtual, kVip));
  EXPECT_EQ(bed.Deliver('c', ToVip('c', kVirtual)), "b");
  bed.Unplug('b');
  EXPECT_EQ(bed.LastDrop('c', ToVip('c', kVirtual)), DropReason::kNoRoute);
}

TEST(Allowed, TheSubjectIsThePort) {
  Testbed bed({.pods = "abc"});
  bed.Allow('a', kVip);
  bed.Apply({Isolate("out", "a", {"Egress"})});
  EXPECT_EQ(bed.LastDrop('a', UdpFrom(Testbed::Mac('a'), kVip)), DropReason::kPolicyEgress);
}

TEST(Allowed, ASingleAddressIsThePodAsAPeerAndABlockIsItsCidr) {
  Testbed bed({.pods = "abc"});
  bed.Allow('a', kVip);
  bed.Allow('a', "10.7.0.0/16");
  acl::NetworkPolicy from_a = Isolate("in", "b", {"Ingress"});
  from_a.ingress = {Admit("a")};
  bed.Apply({from_a});
  EXPECT_EQ(bed.Deliver('a', UdpFrom(Testbed::Mac('a'), kVip)), "b");
  EXPECT_EQ(bed.LastDrop('a', UdpFrom(Testbed::Mac('a'), "10.7.0.1")), DropReason::kPolicyIngress);
  acl::NetworkPolicyPeer block;
  block.ip_block = acl::IpBlock{"10.7.0.0/16", {}};
  from_a.ingress[0].peers = {block};
  bed.Apply({from_a});
  EXPECT_EQ(bed.Deliver('a', UdpFrom(Testbed::Mac('a'), "10.7.0.1")), "b");
}

TEST(Allowed, ARouterPodNeedsNoList) {
  Testbed bed;
  bed.SetGuard('a', false);
  EXPECT_EQ(bed.Deliver('a', UdpFrom(Testbed::Mac('a'), "192.0.2.1")), "b");
}

}  // namespace
}  // namespace sluice::test
