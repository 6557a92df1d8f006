// A one-armed router behind the uplink, and who pretends to be one.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using dataplane::MacAddress;

const MacAddress kRouter{{2, 0, 0, 0, 0, 0x99}};
constexpr uint8_t kSynAck = kTcpSyn | kTcpAck;

TestbedConfig Config() { return {.pods = "abc", .uplink = true}; }

// `from`'s segment on its way to the router, and on its way back from there to `to`.
Bytes There(char from, char to, uint16_t source, uint16_t destination, uint8_t flags) {
  return Frame()
      .Ether(Testbed::Mac(from), kRouter)
      .Ip(Testbed::V4(from), Testbed::V4(to))
      .Tcp(source, destination, flags)
      .bytes();
}
Bytes Back(char from, char to, uint16_t source, uint16_t destination, uint8_t flags) {
  return Frame()
      .Ether(kRouter, Testbed::Mac(to))
      .Ip(Testbed::V4(from), Testbed::V4(to))
      .Tcp(source, destination, flags)
      .bytes();
}

TEST(OneArmedRouter, CarriesAConnectionBetweenTwoPodsHere) {
  Testbed bed(Config());
  bed.AddRouter(kRouter);
  EXPECT_EQ(bed.Deliver('a', There('a', 'b', 1000, 80, kTcpSyn)), "u");
  EXPECT_EQ(bed.Deliver('u', Back('a', 'b', 1000, 80, kTcpSyn)), "b");
  EXPECT_EQ(bed.Deliver('b', There('b', 'a', 80, 1000, kSynAck)), "u");
  EXPECT_EQ(bed.Deliver('u', Back('b', 'a', 80, 1000, kSynAck)), "a");
  EXPECT_EQ(bed.Deliver('a', There('a', 'b', 1000, 80, kTcpAck)), "u");
  EXPECT_EQ(bed.Deliver('u', Back('a', 'b', 1000, 80, kTcpAck)), "b");
  EXPECT_EQ(bed.connections(), 2u) << "one for each pair of subjects";
}

TEST(OneArmedRouter, EachWayIsJudgedForItsOwnPair) {
  Testbed bed(Config());
  bed.AddRouter(kRouter);
  bed.Apply({Isolate("out", "a", {"Egress"})});
  EXPECT_EQ(bed.LastDrop('a', There('a', 'b', 1000, 80, kTcpSyn)), DropReason::kPolicyEgress);
  bed.Apply({Isolate("in", "b", {"Ingress"})});
  EXPECT_EQ(bed.Deliver('a', There('a', 'b', 1000, 80, kTcpSyn)), "u");
  EXPECT_EQ(bed.LastDrop('u', Back('a', 'b', 1000, 80, kTcpSyn)), DropReason::kPolicyIngress);
  acl::NetworkPolicy from_a = Isolate("in", "b", {"Ingress"});
  from_a.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({from_a});
  EXPECT_EQ(bed.Deliver('u', Back('a', 'b', 1000, 80, kTcpSyn)), "b")
      << "ingress is judged by the class of the pod that sent it";
}

TEST(OneArmedRouter, IsNoneUnlessTheNetworkNamesIt) {
  Testbed bed(Config());
  EXPECT_EQ(bed.LastDrop('a', There('a', 'b', 1000, 80, kTcpSyn)), DropReason::kWrongDestination);
  EXPECT_EQ(bed.LastDrop('u', Back('a', 'b', 1000, 80, kTcpSyn)), DropReason::kGuardAddress);
}

TEST(OneArmedRouter, ReturnsOnlyWhatAPodHasSent) {
  Testbed bed(Config());
  bed.AddRouter(kRouter);
  EXPECT_EQ(bed.LastDrop('u', Back('a', 'b', 1000, 80, kTcpSyn)), DropReason::kGuardAddress)
      << "a never sent this";
  ASSERT_EQ(bed.Deliver('a', There('a', 'b', 1000, 80, kTcpSyn)), "u");
  EXPECT_EQ(bed.LastDrop('u', Back('a', 'b', 1001, 80, kTcpSyn)), DropReason::kGuardAddress);
  EXPECT_EQ(bed.LastDrop('u', Back('a', 'c', 1000, 80, kTcpSyn)), DropReason::kGuardAddress);
  EXPECT_EQ(bed.LastDrop('u', Back('b', 'a', 1000, 80, kTcpSyn)), DropReason::kGuardAddress);
  EXPECT_EQ(
      bed.LastDrop(
          'u',
          Frame().Ether(kRouter, Testbed::Mac('b')).Ip("10.0.0.1", "10.0.0.2").Icmp(3, 1).bytes()),
      DropReason::kGuardAddress)
      << "what makes no connection cannot be proven";
}

TEST(OneArmedRouter, AnotherMacOnTheWireIsNotBelieved) {
  Testbed bed(Config());
  bed.AddRouter(kRouter);
  ASSERT_EQ(bed.Deliver('a', There('a', 'b', 1000, 80, kTcpSyn)), "u");
  const MacAddress liar{{2, 0, 0, 0, 0, 0x66}};
  for (const MacAddress& mac : {liar, Testbed::Mac('a')}) {
    Frame spoofed = Frame().Ether(mac, Testbed::Mac('b')).Ip("10.0.0.1", "10.0.0.2");
    EXPECT_NE(bed.LastDrop('u', spoofed.Tcp(1000, 80, kTcpSyn).bytes()), DropReason::kNone);
  }
}

TEST(OneArmedRouter, ConnectionOverItIsNoneForTheDirectWay) {
  Testbed bed(Config());
  bed.AddRouter(kRouter);
  acl::NetworkPolicy policy = Isolate("in", "b", {"Ingress"});
  policy.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({policy});
  ASSERT_EQ(bed.Deliver('a', There('a', 'b', 1000, 80, kTcpSyn)), "u");
  ASSERT_EQ(bed.Deliver('u', Back('a', 'b', 1000, 80, kTcpSyn)), "b");
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Tcp(1000, 80, kTcpAck).bytes()),
            DropReason::kTcpNotSyn);
}

// A 5-tuple that a colluding pod was sent first is judged anew for the victim.
TEST(Subjects, AFlowOpenedToAColluderDoesNotOpenTheVictim) {
  Testbed bed(Config());
  bed.SetGuard('c', false);  // takes any address
  bed.Apply({Isolate("in", "b", {"Ingress"})});
  const Frame to_c = Frame().Ether(Testbed::Mac('a'), Testbed::Mac('c')).Ip("10.0.0.1", "10.0.0.2");
  const Frame from_c =
      Frame().Ether(Testbed::Mac('c'), Testbed::Mac('a')).Ip("10.0.0.2", "10.0.0.1");
  EXPECT_EQ(bed.Deliver('a', Frame(to_c).Tcp(1000, 80, kTcpSyn).bytes()), "c");
  EXPECT_EQ(bed.Deliver('c', Frame(from_c).Tcp(80, 1000, kSynAck).bytes()), "a");
  EXPECT_EQ(bed.Deliver('a', Frame(to_c).Tcp(1000, 80, kTcpAck).bytes()), "c");
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Tcp(1000, 80, kTcpAck).bytes()),
            DropReason::kTcpNotSyn);
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Tcp(1000, 80, kTcpSyn).bytes()),
            DropReason::kPolicyIngress);
}

}  // namespace
}  // namespace sluice::test
