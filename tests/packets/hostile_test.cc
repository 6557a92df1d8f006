// Ways around policy that pods and outsiders have tried: each must stay closed.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpSyn;
using dataplane::MacAddress;

const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const MacAddress kOutside{{2, 9, 9, 9, 9, 9}};

acl::NetworkPolicyRule AdmitBlock(const char* cidr, const char* except) {
  acl::NetworkPolicyPeer peer;
  peer.ip_block = acl::IpBlock{cidr, {except}};
  acl::NetworkPolicyRule rule;
  rule.peers.push_back(peer);
  return rule;
}

Frame Between(const MacAddress& from, const MacAddress& to, const char* source,
              const char* destination) {
  return Frame().Ether(from, to).Ip(source, destination);
}

// A receiver that frees its copy must not free the tail under the others' eyes.
TEST(Hostile, AFloodedPacketOfTwoSegmentsStaysWholeForEveryReceiver) {
  Testbed bed({.pods = "abcd"});
  const Bytes frame = Between(Testbed::Mac('a'), kBroadcast, "10.0.0.1", "255.255.255.255")
                          .Udp(1, 2, std::string(100, 'x'))
                          .bytes();
  bed.SendSegments('a', frame, 60);
  bed.Turn();
  for (const char pod : {'b', 'c', 'd'}) {
    const std::vector<Bytes> got = bed.Received(pod);  // frees that pod's copy
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0], frame) << pod;
    if (pod == 'd') continue;
    EXPECT_EQ(bed.BuffersInUse(), 2u) << "freed under the others' eyes";
  }
}

// Egress that is open to b must not carry packets to where b is not.
TEST(Hostile, AnAllowedAddressDoesNotLeadToAnotherReceiver) {
  Testbed bed({.pods = "abc", .uplink = true});
  acl::NetworkPolicy only_b = Isolate("only-b", "a", {"Egress"});
  only_b.egress = {Admit("b", "UDP", 80)};
  bed.Apply({only_b});
  for (const MacAddress& to : {Testbed::Mac('c'), kBroadcast, kOutside}) {
    EXPECT_EQ(
        bed.LastDrop(
            'a',
            Between(Testbed::Mac('a'), to, "10.0.0.1", "10.0.0.2").Udp(1, 80, "secret").bytes()),
        DropReason::kWrongDestination);
  }
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Udp(1, 80).bytes()), "b");
}

TEST(Hostile, TheUplinkDoesNotSpeakForLocalPods) {
  Testbed bed({.pods = "ab", .uplink = true});
  acl::NetworkPolicy only_a = Isolate("only-a", "b", {"Ingress"});
  only_a.ingress = {Admit("a")};
  bed.Apply({only_a});
  EXPECT_EQ(
      bed.LastDrop('u',
                   Between(kOutside, Testbed::Mac('b'), "10.0.0.1", "10.0.0.2").Udp(1, 80).bytes()),
      DropReason::kGuardAddress);
  EXPECT_EQ(
      bed.LastDrop(
          'u',
          Frame().Ether(kOutside, kBroadcast).Arp(2, kOutside, "10.0.0.1", "10.0.0.1").bytes()),
      DropReason::kGuardArp);
  EXPECT_EQ(bed.LastDrop('u', Between(kOutside, {{0x33, 0x33, 0, 0, 0, 1}}, "fe80::9", "ff02::1")
                                  .Neighbour(136, "fd00::1")
                                  .bytes()),
            DropReason::kGuardNd);
}

// A pod's link-local address is the pod, not "somebody outside".
TEST(Hostile, LinkLocalAddressesAreNotOutside) {
  Testbed bed;
  const char* const a = "fe80::ff:fe00:1";
  const char* const b = "fe80::ff:fe00:2";
  const acl::NetworkPolicyRule outside = AdmitBlock("::/0", "fd00::/8");
  acl::NetworkPolicy in = Isolate("in", "b", {"Ingress"});
  in.ingress = {outside};
  bed.Apply({in});
  EXPECT_EQ(
      bed.LastDrop('a', Between(Testbed::Mac('a'), Testbed::Mac('b'), a, b).Udp(1, 2).bytes()),
      DropReason::kPolicyIngress);
  acl::NetworkPolicy out = Isolate("out", "a", {"Egress"});
  out.egress = {outside};
  bed.Apply({out});
  for (const char* source : {a, "fd00::1"}) {
    EXPECT_EQ(bed.LastDrop(
                  'a', Between(Testbed::Mac('a'), Testbed::Mac('b'), source, b).Udp(3, 4).bytes()),
              DropReason::kPolicyEgress);
  }
}

TEST(Hostile, NeighbourDiscoveryCarriesNoPayloadPastPolicy) {
  Testbed bed;
  bed.Apply({Isolate("a", "a", {"Ingress", "Egress"}), Isolate("b", "b", {"Ingress", "Egress"})});
  const std::string body = std::string(20, '\0') + std::string(1200, 's');
  EXPECT_EQ(bed.LastDrop('a', Testbed::From6('a', 'b').HopLimit(255).Icmp(135, 0, body).bytes()),
            DropReason::kPolicyEgress);
  EXPECT_EQ(
      bed.LastDrop(
          'a',
          Between(Testbed::Mac('a'), kBroadcast, "fd00::1", "fd00::2").Icmp(143, 0, body).bytes()),
      DropReason::kWrongDestination);
}

// A client that crashed uses its port again while the server still has the old connection.
TEST(Hostile, AHalfClosedConnectionDoesNotBlockItsPortsFor2Minutes) {
  Testbed bed;
  auto tcp = [](char from, char to, uint16_t source, uint16_t destination, uint8_t flags) {
    return Testbed::From(from, to).Tcp(source, destination, flags).bytes();
  };
  bed.Deliver('a', tcp('a', 'b', 1, 80, kTcpSyn));
  bed.Deliver('b', tcp('b', 'a', 80, 1, kTcpSyn | dataplane::kTcpAck));
  bed.Deliver('a', tcp('a', 'b', 1, 80, dataplane::kTcpFin | dataplane::kTcpAck));
  EXPECT_EQ(bed.Deliver('a', tcp('a', 'b', 1, 80, kTcpSyn)), "b");
  EXPECT_EQ(bed.Deliver('b', tcp('b', 'a', 80, 1, dataplane::kTcpRst)), "a");
  EXPECT_EQ(bed.Deliver('a', tcp('a', 'b', 1, 80, kTcpSyn)), "b");
  EXPECT_EQ(bed.Deliver('b', tcp('b', 'a', 80, 1, kTcpSyn | dataplane::kTcpAck)), "a");
}

}  // namespace
}  // namespace sluice::test
