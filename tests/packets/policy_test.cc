// Policy and connections through the real pipeline: who gets through, who does not, and why.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpFin;
using dataplane::kTcpRst;
using dataplane::kTcpSyn;

constexpr uint8_t kSynAck = kTcpSyn | kTcpAck;

Bytes Tcp(char from, char to, uint16_t source, uint16_t destination, uint8_t flags) {
  return Testbed::From(from, to).Tcp(source, destination, flags).bytes();
}

// Client `from` opens source -> destination at `to`, all three steps delivered.
void Connect(Testbed& bed, char from, char to, uint16_t source, uint16_t destination) {
  ASSERT_EQ(bed.Deliver(from, Tcp(from, to, source, destination, kTcpSyn)), std::string(1, to));
  ASSERT_EQ(bed.Deliver(to, Tcp(to, from, destination, source, kSynAck)), std::string(1, from));
  ASSERT_EQ(bed.Deliver(from, Tcp(from, to, source, destination, kTcpAck)), std::string(1, to));
}

// Of a TCP segment over IPv4 without options.
uint16_t DestinationPort(const Bytes& frame) {
  constexpr size_t kPlace = 14 + 20 + 2;
  return static_cast<uint16_t>(frame.at(kPlace) << 8 | frame.at(kPlace + 1));
}

TEST(Policy, WithoutPolicyEverythingPasses) {
  Testbed bed;
  Connect(bed, 'a', 'b', 1000, 80);
  EXPECT_EQ(bed.connections(), 1u);
  EXPECT_EQ(bed.Deliver('a', Testbed::From6('a', 'b').Udp(5, 6, "hello").bytes()), "b");
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Echo(true, 7).bytes()), "b");
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Echo(false, 7).bytes()), "a");
}

TEST(Policy, DefaultDenyKeepsNewConnectionsOut) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  EXPECT_EQ(bed.LastDrop('a', Tcp('a', 'b', 1000, 80, kTcpSyn)), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Udp(1, 2).bytes()),
            DropReason::kPolicyIngress);
  EXPECT_EQ(bed.LastDrop('a', Testbed::From6('a', 'b').Echo(true, 1).bytes()),
            DropReason::kPolicyIngress);
  EXPECT_EQ(bed.connections(), 0u) << "denied flows make no entry";
}

TEST(Policy, EgressDenialIsTheSendersReason) {
  Testbed bed;
  bed.Apply({Isolate("deny", "a", {"Egress"})});
  EXPECT_EQ(bed.LastDrop('a', Tcp('a', 'b', 1000, 80, kTcpSyn)), DropReason::kPolicyEgress);
}

TEST(Policy, ReplyPassesThoughTheServersEgressIsDenied) {
  Testbed bed;
  acl::NetworkPolicy policy = Isolate("web", "b", {"Ingress", "Egress"});
  policy.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({policy});
  Connect(bed, 'a', 'b', 1000, 80);
  EXPECT_EQ(bed.LastDrop('b', Tcp('b', 'a', 2000, 80, kTcpSyn)), DropReason::kPolicyEgress)
      << "a new connection the other way does not pass";
  EXPECT_EQ(bed.LastDrop('a', Tcp('a', 'b', 1001, 81, kTcpSyn)), DropReason::kPolicyIngress);
}

TEST(Policy, UdpReplyPassesAndUnaskedDatagramDoesNot) {
  Testbed bed;
  acl::NetworkPolicy policy = Isolate("dns", "b", {"Ingress", "Egress"});
  policy.ingress = {Admit("a", "UDP", 53)};
  bed.Apply({policy});
  EXPECT_EQ(bed.LastDrop('b', Testbed::From('b', 'a').Udp(53, 4000).bytes()),
            DropReason::kPolicyEgress);
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Udp(4000, 53).bytes()), "b");
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Udp(53, 4000).bytes()), "a");
}

TEST(Policy, ChangeIsFeltByALiveConnectionAtItsNextPacket) {
  Testbed bed;
  Connect(bed, 'a', 'b', 1000, 80);
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  EXPECT_EQ(bed.LastDrop('a', Tcp('a', 'b', 1000, 80, kTcpAck)), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.connections(), 0u) << "the connection is gone with its verdict";
  bed.Apply({});
  EXPECT_EQ(bed.LastDrop('a', Tcp('a', 'b', 1000, 80, kTcpAck)), DropReason::kTcpNotSyn);
}

TEST(Policy, TheServersPacketIsJudgedByTheClientsKeyAfterAChange) {
  Testbed bed;
  Connect(bed, 'a', 'b', 1000, 80);
  acl::NetworkPolicy admit = Isolate("web", "b", {"Ingress", "Egress"});
  admit.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({admit});
  EXPECT_EQ(bed.Deliver('b', Tcp('b', 'a', 80, 1000, kTcpAck)), "a");
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  EXPECT_EQ(bed.LastDrop('b', Tcp('b', 'a', 80, 1000, kTcpAck)), DropReason::kPolicyIngress);
}

TEST(Policy, KnownConnectionsAskNoTrie) {
  Testbed bed;
  Connect(bed, 'a', 'b', 1000, 80);
  const uint64_t asked = bed.tally(0).classified.Read();
  for (int i = 0; i < 10; ++i) bed.Deliver('a', Tcp('a', 'b', 1000, 80, kTcpAck));
  EXPECT_EQ(bed.tally(0).classified.Read(), asked);
}

// One burst: runs of connections to the same port, to others, and to one that was open before.
TEST(Policy, ARunOfPacketsThatAskTheSameIsAskedOnce) {
  Testbed bed;
  acl::NetworkPolicy policy = Isolate("web", "b", {"Ingress"});
  policy.ingress = {Admit("a", "TCP", 80), Admit("a", "TCP", 82)};
  bed.Apply({policy});
  Connect(bed, 'a', 'b', 999, 82);
  const uint64_t asked = bed.tally(0).classified.Read();
  const uint64_t denied = bed.Drops('a', DropReason::kPolicyIngress);
  const uint16_t ports[] = {80, 80, 81, 81, 81, 80, 82, 81};
  uint16_t source = 1000;
  for (const uint16_t port : ports) bed.Send('a', Tcp('a', 'b', source++, port, kTcpSyn));
  bed.Send('a', Tcp('a', 'b', 999, 82, kTcpAck));
  bed.Send('a', Tcp('a', 'b', source, 81, kTcpSyn));
  bed.Turn();
  std::vector<uint16_t> passed;
  for (const Bytes& frame : bed.Received('b')) passed.push_back(DestinationPort(frame));
  EXPECT_EQ(passed, (std::vector<uint16_t>{80, 80, 80, 82, 82}));
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress) - denied, 5u);
  EXPECT_EQ(bed.tally(0).classified.Read() - asked, 5u) << "80, 81, 80, 82, 81";
  EXPECT_EQ(bed.connections(), 5u);
}

// DESIGN 6: the same 5-tuple is first sent to a colluding pod's MAC, then to the victim's.
TEST(Policy, AColludingPodDoesNotOpenTheVictim) {
  Testbed bed({.pods = "abc"});
  bed.SetGuard('c', false);  // takes packets for any address
  acl::NetworkPolicy victim = Isolate("victim", "b", {"Ingress"});
  bed.Apply({victim});
  const Bytes to_accomplice = Frame()
                                  .Ether(Testbed::Mac('a'), Testbed::Mac('c'))
                                  .Ip("10.0.0.1", "10.0.0.2")
                                  .Udp(1000, 2000)
                                  .bytes();
  EXPECT_EQ(bed.Deliver('a', to_accomplice), "c");
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Udp(1000, 2000).bytes()),
            DropReason::kPolicyIngress);
}

TEST(Policy, APodInAReusedSlotInheritsNoConnection) {
  Testbed bed;
  Connect(bed, 'a', 'b', 1000, 80);
  bed.Replace('b');
  EXPECT_EQ(bed.LastDrop('a', Tcp('a', 'b', 1000, 80, kTcpAck)), DropReason::kTcpNotSyn);
}

// The subject is the port: a router pod's packets with another's address answer to its own egress.
TEST(Policy, TheSenderIsTheSubjectWhateverAddressItUses) {
  Testbed bed({.pods = "abc"});
  bed.SetGuard('a', false);
  bed.Apply({Isolate("closed-egress", "a", {"Egress"})});
  const Bytes as_c = Frame()
                         .Ether(Testbed::Mac('a'), Testbed::Mac('b'))
                         .Ip("10.0.0.3", "10.0.0.2")
                         .Udp(1, 2)
                         .bytes();
  EXPECT_EQ(bed.LastDrop('a', as_c), DropReason::kPolicyEgress);
}

TEST(Policy, TheSourceAddressDecidesTheReceiversIngress) {
  Testbed bed({.pods = "abc"});
  bed.SetGuard('a', false);
  acl::NetworkPolicy policy = Isolate("only-c", "b", {"Ingress"});
  policy.ingress = {Admit("c")};
  bed.Apply({policy});
  const Bytes as_c = Frame()
                         .Ether(Testbed::Mac('a'), Testbed::Mac('b'))
                         .Ip("10.0.0.3", "10.0.0.2")
                         .Udp(1, 2)
                         .bytes();
  EXPECT_EQ(bed.Deliver('a', as_c), "b");
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Udp(1, 2).bytes()),
            DropReason::kPolicyIngress);
}

TEST(Policy, IcmpIsAProtocolOfItsOwn) {
  Testbed bed;
  acl::NetworkPolicy ports_only = Isolate("ports", "b", {"Ingress"});
  ports_only.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({ports_only});
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Echo(true, 9).bytes()),
            DropReason::kPolicyIngress);
  acl::NetworkPolicy everything = Isolate("all", "b", {"Ingress"});
  everything.ingress = {Admit("a")};
  bed.Apply({everything});
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Echo(true, 9).bytes()), "b");
}

TEST(Policy, AnEchoRequestTheOtherWayIsNotAReply) {
  Testbed bed;
  bed.Apply({Isolate("closed-egress", "b", {"Egress"})});
  for (const uint16_t identifier : {0, 8, 77}) {
    EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Echo(true, identifier).bytes()), "b");
    EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Echo(false, identifier).bytes()), "a");
    EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Echo(true, identifier).bytes()), "");
  }
}

TEST(Policy, SctpAndOtherProtocolsFollowPolicyByNumber) {
  Testbed bed;
  acl::NetworkPolicy policy = Isolate("sctp", "b", {"Ingress"});
  policy.ingress = {Admit("a", "SCTP", 3868)};
  bed.Apply({policy});
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Sctp(1, 3868).bytes()), "b");
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Sctp(1, 3869).bytes()),
            DropReason::kPolicyIngress);
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Protocol(47, "gre gre gre").bytes()),
            DropReason::kPolicyIngress);
}

TEST(Policy, UplinkTrafficIsJudgedAtThePodOnly) {
  Testbed bed({.pods = "ab", .uplink = true});
  acl::NetworkPolicy policy = Isolate("web", "b", {"Ingress"});
  policy.ingress = {Admit("", "TCP", 80)};
  bed.Apply({policy});
  const dataplane::MacAddress router{{2, 9, 9, 9, 9, 9}};
  auto outside = [&](uint16_t port) {
    return Frame()
        .Ether(router, Testbed::Mac('b'))
        .Ip("192.0.2.7", "10.0.0.2")
        .Tcp(999, port, kTcpSyn)
        .bytes();
  };
  EXPECT_EQ(bed.Deliver('u', outside(80)), "b");
  EXPECT_EQ(bed.LastDrop('u', outside(81)), DropReason::kPolicyIngress);
  const Bytes reply = Frame()
                          .Ether(Testbed::Mac('b'), router)
                          .Ip("10.0.0.2", "192.0.2.7")
                          .Tcp(80, 999, kSynAck)
                          .bytes();
  EXPECT_EQ(bed.Deliver('b', reply), "u");
}

TEST(Policy, ARefusedConnectionMayBeTriedAgain) {
  Testbed bed;
  ASSERT_EQ(bed.Deliver('a', Tcp('a', 'b', 1000, 80, kTcpSyn)), "b");
  ASSERT_EQ(bed.Deliver('b', Tcp('b', 'a', 80, 1000, kTcpRst | kTcpAck)), "a");
  Connect(bed, 'a', 'b', 1000, 80);
  EXPECT_EQ(bed.connections(), 1u);
}

TEST(Policy, AClosedConnectionMakesRoomAndItsPortsServeAgain) {
  Testbed bed;
  Connect(bed, 'a', 'b', 1000, 80);
  bed.Deliver('a', Tcp('a', 'b', 1000, 80, kTcpFin | kTcpAck));
  bed.Deliver('b', Tcp('b', 'a', 80, 1000, kTcpFin | kTcpAck));
  EXPECT_EQ(bed.Deliver('a', Tcp('a', 'b', 1000, 80, kTcpAck)), "b") << "the last ACK";
  Connect(bed, 'a', 'b', 1000, 80);
  bed.Deliver('a', Tcp('a', 'b', 1000, 80, kTcpRst));
  for (int i = 0; i < 1000 && bed.connections() > 0; ++i) {
    bed.Advance(100);
    bed.Turn();
  }
  EXPECT_EQ(bed.connections(), 0u) << "a reset connection ages out";
}

TEST(Policy, TwoPacketsOfOneNewFlowInOneBurstShareAConnection) {
  Testbed bed;
  for (int i = 0; i < 3; ++i) bed.Send('a', Testbed::From('a', 'b').Udp(1, 2).bytes());
  bed.Turn();
  EXPECT_EQ(bed.Received('b').size(), 3u);
  EXPECT_EQ(bed.connections(), 1u);
}

TEST(Policy, TwoWorkersShareAConnection) {
  Testbed bed({.pods = "ab", .workers = 2});
  acl::NetworkPolicy policy = Isolate("web", "b", {"Ingress", "Egress"});
  policy.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({policy});
  Connect(bed, 'a', 'b', 1000, 80);
  EXPECT_EQ(bed.connections(), 1u);
}

TEST(Policy, AFullTableTurnsNewConnectionsAwayAndKeepsTheOld) {
  Testbed bed({.pods = "ab", .connections = 16, .port_share = 100});
  Connect(bed, 'a', 'b', 1, 80);
  for (uint16_t port = 2; port <= 16; ++port) {
    ASSERT_EQ(bed.Deliver('a', Tcp('a', 'b', port, 80, kTcpSyn)), "b");
  }
  EXPECT_EQ(bed.LastDrop('a', Tcp('a', 'b', 17, 80, kTcpSyn)), DropReason::kTableFull);
  EXPECT_EQ(bed.Deliver('a', Tcp('a', 'b', 1, 80, kTcpAck)), "b");
}

}  // namespace
}  // namespace sluice::test
