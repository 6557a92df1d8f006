// The host port: this node's own traffic, and what it routes.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using dataplane::MacAddress;

const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const MacAddress kOutside{{2, 0, 0, 0, 0, 0x99}};
constexpr uint8_t kSynAck = kTcpSyn | kTcpAck;

TestbedConfig WithHost() { return {.pods = "ab", .uplink = true, .host = true}; }

// From the node to a pod, as from `source`.
Frame FromNode(const std::string& source, char to) {
  return Frame().Ether(Testbed::Mac('h'), Testbed::Mac(to)).Ip(source, Testbed::V4(to));
}
Bytes Syn(Frame frame) { return frame.Tcp(1000, 80, kTcpSyn).bytes(); }

TEST(HostPort, OwnNodePassesDefaultDenyAndItsRepliesDo) {
  Testbed bed(WithHost());
  bed.Apply({Isolate("deny", "a", {"Ingress", "Egress"})});
  EXPECT_EQ(bed.Deliver('h', Syn(Testbed::From('h', 'a'))), "a");
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'h').Tcp(80, 1000, kSynAck).bytes()), "h");
  EXPECT_EQ(bed.Deliver('h', Testbed::From('h', 'a').Tcp(1000, 80, kTcpAck).bytes()), "a");
  EXPECT_EQ(bed.Deliver('h', Syn(Testbed::From6('h', 'a'))), "a");
  EXPECT_EQ(bed.Deliver('h', Testbed::From('h', 'a').Echo(true, 5).bytes()), "a");
}

TEST(HostPort, LiveProbeStaysThroughPolicyChanges) {
  Testbed bed(WithHost());
  ASSERT_EQ(bed.Deliver('h', Syn(Testbed::From('h', 'a'))), "a");
  bed.Apply({Isolate("deny", "a", {"Ingress"})});
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'h').Tcp(80, 1000, kSynAck).bytes()), "h");
}

TEST(HostPort, WhatTheNodeRoutesIsJudgedAsWhoItIs) {
  Testbed bed(WithHost());
  acl::NetworkPolicy policy = Isolate("from-b", "a", {"Ingress"});
  policy.ingress = {Admit("b")};
  bed.Apply({policy});
  EXPECT_EQ(bed.LastDrop('h', Syn(FromNode("10.9.9.9", 'a'))), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.Deliver('h', Syn(FromNode(Testbed::V4('b'), 'a'))), "a")
      << "a pod's packet that the node routes is that pod's";
}

TEST(HostPort, ExemptionCanBeSwitchedOff) {
  Testbed bed(WithHost());
  bed.Apply({Isolate("deny", "a", {"Ingress"})});
  bed.SetOwnNode(false);
  EXPECT_EQ(bed.LastDrop('h', Syn(Testbed::From('h', 'a'))), DropReason::kPolicyIngress);
}

TEST(HostPort, APolicyMayCloseItsPods) {
  Testbed bed(WithHost());
  acl::NetworkPolicy closed = Isolate("closed", "a", {"Ingress"});
  closed.options.judges_own_node = true;
  bed.Apply({Isolate("deny", "b", {"Ingress"}), closed});
  EXPECT_EQ(bed.LastDrop('h', Syn(Testbed::From('h', 'a'))), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.Deliver('h', Syn(Testbed::From('h', 'b'))), "b");
  acl::NetworkPolicyPeer node;
  node.ip_block = acl::IpBlock{Testbed::V4('h') + "/32", {}};
  closed.ingress = {{{node}, {{"TCP", int64_t{80}, std::nullopt}}}};
  bed.Apply({closed});
  EXPECT_EQ(bed.Deliver('h', Syn(Testbed::From('h', 'a'))), "a") << "kubelet's probe, admitted";
  EXPECT_EQ(bed.LastDrop('h', Testbed::From('h', 'a').Tcp(1000, 81, kTcpSyn).bytes()),
            DropReason::kPolicyIngress);
}

TEST(HostPort, AConnectionOfTheNodeEndsWhenAPolicyClosesItsPod) {
  Testbed bed(WithHost());
  acl::NetworkPolicy closed = Isolate("closed", "a", {"Ingress"});
  bed.Apply({closed});
  ASSERT_EQ(bed.Deliver('h', Syn(Testbed::From('h', 'a'))), "a");
  closed.options.judges_own_node = true;
  bed.Apply({closed});
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'h').Tcp(80, 1000, kSynAck).bytes()),
            DropReason::kPolicyIngress);
}

TEST(HostPort, NodesAddressFromTheUplinkDies) {
  Testbed bed(WithHost());
  bed.Apply({Isolate("deny", "a", {"Ingress"})});
  Frame spoofed = Frame().Ether(kOutside, Testbed::Mac('a')).Ip(Testbed::V4('h'), "10.0.0.1");
  EXPECT_EQ(bed.LastDrop('u', Syn(spoofed)), DropReason::kGuardAddress);
  const Bytes arp =
      Frame().Ether(kOutside, kBroadcast).Arp(2, kOutside, Testbed::V4('h'), "10.0.0.1").bytes();
  EXPECT_EQ(bed.LastDrop('u', arp), DropReason::kGuardArp);
}

TEST(HostPort, PodsNeedEgressToReachTheNode) {
  Testbed bed(WithHost());
  acl::NetworkPolicy policy = Isolate("out", "a", {"Egress"});
  acl::NetworkPolicyPeer node;
  node.ip_block = acl::IpBlock{Testbed::V4('h') + "/32", {}};
  policy.egress = {{{node}, {{"TCP", int64_t{80}, std::nullopt}}}};
  bed.Apply({policy});
  EXPECT_EQ(bed.Deliver('a', Syn(Testbed::From('a', 'h'))), "h");
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'h').Tcp(1001, 81, kTcpSyn).bytes()),
            DropReason::kPolicyEgress);
}

TEST(HostPort, IsTheGatewayToEveryAddress) {
  Testbed bed(WithHost());
  Frame routed = Frame().Ether(Testbed::Mac('a'), Testbed::Mac('h')).Ip("10.0.0.1", "192.0.2.1");
  EXPECT_EQ(bed.Deliver('a', Syn(routed)), "h");
}

TEST(HostPort, DoesNotSpeakForPods) {
  Testbed bed(WithHost());
  const MacAddress node = Testbed::Mac('h');
  EXPECT_EQ(bed.LastDrop(
                'h', Frame().Ether(node, kBroadcast).Arp(2, node, "10.0.0.2", "10.0.0.1").bytes()),
            DropReason::kGuardArp);
  const MacAddress all_nodes{{0x33, 0x33, 0, 0, 0, 1}};
  EXPECT_EQ(bed.LastDrop('h', Frame()
                                  .Ether(node, all_nodes)
                                  .Ip(Testbed::V6('h'), "ff02::1")
                                  .HopLimit(255)
                                  .Neighbour(136, Testbed::V6('b'))
                                  .bytes()),
            DropReason::kGuardNd);
  EXPECT_EQ(bed.LastDrop('h', Frame()
                                  .Ether(Testbed::Mac('b'), Testbed::Mac('a'))
                                  .Ip("10.0.0.254", "10.0.0.1")
                                  .Udp(1, 2)
                                  .bytes()),
            DropReason::kGuardMac);
}

TEST(HostPort, ArpReachesItAndTheUplink) {
  Testbed bed(WithHost());
  const Bytes ask = Frame()
                        .Ether(Testbed::Mac('a'), kBroadcast)
                        .Arp(1, Testbed::Mac('a'), "10.0.0.1", Testbed::V4('h'))
                        .bytes();
  EXPECT_EQ(bed.Deliver('a', ask), "bhu");
  const Bytes answer = Frame()
                           .Ether(Testbed::Mac('h'), Testbed::Mac('a'))
                           .Arp(2, Testbed::Mac('h'), Testbed::V4('h'), "10.0.0.1")
                           .bytes();
  EXPECT_EQ(bed.Deliver('h', answer), "a");
}

TEST(HostPort, WhatPassesBetweenNodeAndUplinkIsNotTracked) {
  Testbed bed(WithHost());
  Frame out = Frame().Ether(Testbed::Mac('h'), kOutside).Ip(Testbed::V4('h'), "10.9.9.9");
  EXPECT_EQ(bed.Deliver('h', out.Tcp(5, 6, kTcpAck).bytes()), "u");
  EXPECT_EQ(bed.connections(), 0u);
}

}  // namespace
}  // namespace sluice::test
