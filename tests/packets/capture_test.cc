// Copies of packets: the right ones, with what became of them, and the packets are none the worse.
#include "dataplane/capture.h"

#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::Capture;
using dataplane::CaptureConfig;
using dataplane::CaptureDirection;
using dataplane::CapturedPacket;
using dataplane::CaptureFilter;
using dataplane::CaptureFlow;
using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using dataplane::Mode;

struct Seen {
  CapturedPacket packet;
  Bytes bytes;
};

// A testbed with a capture that begins when the first packet is sent, and ends with the test.
class Captured {
 public:
  explicit Captured(Testbed& bed, const CaptureFilter& filter = {},
                    uint32_t snaplen = CaptureConfig::kMaxSnaplen,
                    uint32_t ring = CaptureConfig::kMinRing)
      : bed_(bed), capture_({.filter = filter, .snaplen = snaplen, .ring_bytes = ring}, 2) {
    bed_.ShowTo(&capture_);
  }
  ~Captured() { bed_.ShowTo(nullptr); }

  std::vector<Seen> Take() {
    std::vector<Seen> seen;
    capture_.Drain([&](uint64_t, const CapturedPacket& packet, std::span<const uint8_t> bytes) {
      seen.push_back({packet, {bytes.begin(), bytes.end()}});
    });
    return seen;
  }
  // Fates of what was captured: "to b", "outbound to b", "died of tx_full".
  std::string Fates() {
    std::string text;
    for (const Seen& seen : Take()) {
      if (!text.empty()) text += ", ";
      text += FateOf(seen.packet);
    }
    return text;
  }
  uint64_t LostAt(char port) const { return capture_.LostAt(bed_.id(port)); }

 private:
  std::string FateOf(const CapturedPacket& packet) const {
    if (packet.drop != DropReason::kNone) return std::string(DropReasonName(packet.drop));
    if (packet.flood) return "to " + std::to_string(packet.copies) + " ports";
    std::string text = packet.outbound ? "outbound to ?" : "to ?";
    for (const char name : std::string("abcdu")) {
      if (bed_.Has(name) && bed_.id(name) == packet.out_port) text.back() = name;
    }
    return text;
  }

  Testbed& bed_;
  Capture capture_;
};

Bytes Udp(char from, char to, uint16_t source = 5, uint16_t destination = 53) {
  return Testbed::From(from, to).Udp(source, destination, "what?").bytes();
}
Bytes Syn(char from, char to, uint16_t destination) {
  return Testbed::From(from, to).Tcp(1000, destination, kTcpSyn).bytes();
}
Bytes Multicast(char from) {
  return Frame()
      .Ether(Testbed::Mac(from), {{1, 0, 0x5e, 0, 0, 5}})
      .Ip(Testbed::V4(from), "224.0.0.5")
      .Udp(5, 5)
      .bytes();
}
CaptureFilter AtPort(const Testbed& bed, char port,
                     CaptureDirection direction = CaptureDirection::kEither) {
  const auto& view = bed.view(port);
  return {.port = bed.id(port), .generation = view.generation, .direction = direction};
}
CaptureFlow::End EndOf(char pod, uint16_t port) {
  return {*acl::IpAddress::Parse(Testbed::V4(pod)), port};
}
std::string RuleText(const Testbed& bed, const dataplane::TraceSide& side) {
  const acl::RuleSource* source = bed.rule_ids().Find(side.rule);
  return source == nullptr ? "" : source->policies[0] + " " + source->rule;
}

TEST(CapturePackets, WhatPassesIsCopiedAsItCameWithTheRuleThatLetItPass) {
  Testbed bed;
  acl::NetworkPolicy policy = Isolate("web", "b", {"Ingress"});
  policy.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({policy});
  Captured captured(bed);
  const Bytes syn = Syn('a', 'b', 80);
  EXPECT_EQ(bed.Deliver('a', syn), "b");
  const std::vector<Seen> seen = captured.Take();
  ASSERT_EQ(seen.size(), 1u);
  const CapturedPacket& packet = seen[0].packet;
  EXPECT_EQ(seen[0].bytes, syn);
  EXPECT_EQ(packet.length, syn.size());
  EXPECT_EQ(packet.in_port, bed.id('a'));
  EXPECT_EQ(packet.out_port, bed.id('b'));
  EXPECT_FALSE(packet.outbound);
  EXPECT_EQ(packet.drop, DropReason::kNone);
  EXPECT_STREQ(packet.state, "syn_sent");
  EXPECT_TRUE(packet.judged);
  EXPECT_EQ(RuleText(bed, packet.ingress), "NetworkPolicy default/web ingress[0]");
  EXPECT_TRUE(packet.ingress.allow);
}

TEST(CapturePackets, EstablishedPacketsBothWaysBearTheirConnectionsRule) {
  Testbed bed;
  acl::NetworkPolicy policy = Isolate("dns", "b", {"Ingress"});
  policy.ingress = {Admit("a", "UDP", 53)};
  bed.Apply({policy});
  bed.Deliver('a', Udp('a', 'b'));
  Captured captured(bed);
  EXPECT_EQ(bed.Deliver('b', Udp('b', 'a', 53, 5)), "a");
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
  const std::vector<Seen> seen = captured.Take();
  ASSERT_EQ(seen.size(), 2u);
  for (const Seen& each : seen) {
    EXPECT_STREQ(each.packet.state, "replied");
    EXPECT_EQ(RuleText(bed, each.packet.ingress), "NetworkPolicy default/dns ingress[0]");
  }
  EXPECT_TRUE(seen[0].packet.reply);
  EXPECT_FALSE(seen[1].packet.reply);
}

TEST(CapturePackets, WhatPolicyRefusesSaysWhichPolicy) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  Captured captured(bed);
  bed.Deliver('a', Syn('a', 'b', 80));
  const std::vector<Seen> seen = captured.Take();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].packet.drop, DropReason::kPolicyIngress);
  EXPECT_FALSE(seen[0].packet.ingress.allow);
  EXPECT_EQ(RuleText(bed, seen[0].packet.ingress), "NetworkPolicy default/deny ");
  EXPECT_EQ(seen[0].packet.state, nullptr);
}

TEST(CapturePackets, ARejectedPacketIsShownAsItCameAndNotAsItsAnswer) {
  Testbed bed;
  bed.Apply({Isolate("shut", "b", {"Ingress"})});
  bed.Reject("shut");
  for (const bool dropped : {false, true}) {
    Captured captured(bed, {.dropped = dropped});
    const Bytes syn = Syn('a', 'b', 80);
    bed.Send('a', syn);
    bed.Turn();
    EXPECT_EQ(bed.Received('a').size(), 1u) << "the answer";
    const std::vector<Seen> seen = captured.Take();
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].bytes, syn);
    EXPECT_EQ(seen[0].packet.drop, DropReason::kPolicyIngress);
    EXPECT_TRUE(seen[0].packet.answered);
  }
}

TEST(CapturePackets, ObserveSaysWhatWouldBe) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  bed.SetMode(Mode::kObserve);
  Captured captured(bed);
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
  const std::vector<Seen> seen = captured.Take();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].packet.drop, DropReason::kNone);
  EXPECT_EQ(seen[0].packet.would_drop, DropReason::kPolicyIngress);
}

TEST(CapturePackets, APortsFilterTakesItsDirections) {
  Testbed bed({.pods = "abc"});
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  const auto fates = [&](CaptureDirection direction) {
    Captured captured(bed, AtPort(bed, 'b', direction));
    bed.Deliver('b', Udp('b', 'c'));
    bed.Deliver('c', Udp('c', 'b', 53, 5));  // its answer
    bed.Deliver('a', Syn('a', 'b', 80));     // dies on its way to b
    bed.Deliver('a', Udp('a', 'c'));         // b has nothing to do with it
    return captured.Fates();
  };
  EXPECT_EQ(fates(CaptureDirection::kEither), "to c, outbound to b, policy_ingress");
  EXPECT_EQ(fates(CaptureDirection::kIn), "to c");
  EXPECT_EQ(fates(CaptureDirection::kOut), "outbound to b, policy_ingress");
}

TEST(CapturePackets, AnotherPortInTheSameSlotIsNotTheOneAskedFor) {
  Testbed bed;
  Captured captured(bed, AtPort(bed, 'b'));
  bed.Replace('b');
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
  EXPECT_EQ(captured.Fates(), "");
}

TEST(CapturePackets, AConnectionIsTakenEitherWayRoundAndWithItsErrors) {
  Testbed bed;
  const CaptureFlow flow{.protocol = 17, .one = EndOf('b', 53), .other = EndOf('a', 5)};
  Captured captured(bed, {.flow = flow});
  bed.Deliver('a', Udp('a', 'b', 5, 53));
  bed.Deliver('b', Udp('b', 'a', 53, 5));
  bed.Deliver('a', Udp('a', 'b', 6, 53));  // another source port
  bed.Deliver('a', Udp('a', 'b', 53, 5));  // the ports the other way round
  bed.Deliver('a', Syn('a', 'b', 53));     // another protocol
  EXPECT_EQ(captured.Fates(), "to b, to a");

  const Bytes asked = Udp('a', 'b', 5, 53);
  const std::string unused(4, '\0');
  const std::string unreachable = unused + std::string(asked.begin() + 14, asked.end());
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Icmp(3, 3, unreachable).bytes()), "a");
  const std::vector<Seen> seen = captured.Take();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].packet.related);
}

TEST(CapturePackets, WithoutAPortOfOneEndAllOfItsPortsAreMeant) {
  Testbed bed;
  const CaptureFlow flow{.protocol = 17, .one = EndOf('a', 0), .other = EndOf('b', 53)};
  Captured captured(bed, {.flow = flow});
  bed.Deliver('a', Udp('a', 'b', 5, 53));
  bed.Deliver('a', Udp('a', 'b', 6, 53));
  bed.Deliver('a', Udp('a', 'b', 6, 54));
  EXPECT_EQ(captured.Fates(), "to b, to b");
}

TEST(CapturePackets, DropsAreTakenByTheirReason) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  const auto fates = [&](DropReason reason) {
    Captured captured(bed, {.dropped = true, .reason = reason});
    bed.Deliver('b', Udp('b', 'a'));
    bed.Deliver('a', Syn('a', 'b', 80));
    bed.Deliver('a', Udp('b', 'a'));  // not a's address
    return captured.Fates();
  };
  EXPECT_EQ(fates(DropReason::kNone), "policy_ingress, guard_mac");
  EXPECT_EQ(fates(DropReason::kGuardMac), "guard_mac");
  EXPECT_EQ(fates(DropReason::kTxFull), "");
}

TEST(CapturePackets, WhatAFullPortDoesNotTakeDidNotLeave) {
  for (const bool dropped : {false, true}) {
    Testbed bed;
    Captured captured(bed, {.dropped = dropped}, 64);
    unsigned left = 0, full = 0;
    for (unsigned i = 0; i < 1100; ++i) {
      bed.Send('a', Udp('a', 'b'));
      bed.Turn();
      for (const Seen& seen : captured.Take()) {
        ++(seen.packet.drop == DropReason::kTxFull ? full : left);
      }
    }
    EXPECT_GT(full, 0u);
    EXPECT_EQ(full, bed.Drops('a', DropReason::kTxFull));
    EXPECT_EQ(left, dropped ? 0 : bed.Received('b').size());
  }
}

TEST(CapturePackets, SnaplenCutsTheCopyAndNotThePacket) {
  Testbed bed;
  Captured captured(bed, {}, 20);
  const Bytes frame = Udp('a', 'b');
  bed.Send('a', frame);
  bed.SendSegments('a', frame, 45);
  bed.Turn();
  const std::vector<Bytes> received = bed.Received('b');
  EXPECT_EQ(received, std::vector<Bytes>({frame, frame}));
  const std::vector<Seen> seen = captured.Take();
  ASSERT_EQ(seen.size(), 2u);
  for (const Seen& each : seen) {
    EXPECT_EQ(each.bytes, Bytes(frame.begin(), frame.begin() + 20));
    EXPECT_EQ(each.packet.length, frame.size());
  }
}

TEST(CapturePackets, AFrameOfSeveralBuffersIsCopiedWhole) {
  Testbed bed;
  Captured captured(bed);
  const Bytes frame = Testbed::From('a', 'b').Udp(5, 53, std::string(1000, 'x')).bytes();
  bed.SendSegments('a', frame, 60);
  bed.Turn();
  const std::vector<Seen> seen = captured.Take();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].bytes, frame);
}

TEST(CapturePackets, AMulticastIsOnePacketAndAReceiversIfItGotIt) {
  Testbed bed({.pods = "abcd"});
  bed.Apply({Isolate("deny", "c", {"Ingress"})});
  {
    Captured all(bed);
    EXPECT_EQ(bed.Deliver('a', Multicast('a')), "bd");
    EXPECT_EQ(all.Fates(), "to 2 ports");
  }
  {
    Captured at_b(bed, AtPort(bed, 'b'));
    bed.Deliver('a', Multicast('a'));
    const std::vector<Seen> seen = at_b.Take();
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_TRUE(seen[0].packet.outbound);
    EXPECT_EQ(seen[0].packet.out_port, bed.id('b'));
  }
  Captured at_c(bed, AtPort(bed, 'c'));
  bed.Deliver('a', Multicast('a'));
  EXPECT_EQ(at_c.Fates(), "");
}

TEST(CapturePackets, WhatFindsNoRoomIsCountedAtItsPortAndStillDelivered) {
  Testbed bed;
  Captured captured(bed);
  const Bytes frame = Testbed::From('a', 'b').Udp(5, 53, std::string(1400, 'x')).bytes();
  unsigned delivered = 0;
  for (unsigned i = 0; i < 100; ++i) {
    bed.Send('a', frame);
    bed.Turn();
    delivered += static_cast<unsigned>(bed.Received('b').size());
  }
  EXPECT_EQ(delivered, 100u);
  const size_t kept = captured.Take().size();
  EXPECT_GT(kept, 30u);
  EXPECT_GT(captured.LostAt('a'), 0u);
  EXPECT_EQ(kept + captured.LostAt('a'), 100u);
  EXPECT_EQ(captured.LostAt('b'), 0u);
  bed.Deliver('a', frame);
  EXPECT_EQ(captured.Take().size(), 1u) << "there is room again";
}

TEST(CapturePackets, RecordsOfAllSizesGoRoundTheRingWhole) {
  Testbed bed;
  Captured captured(bed);
  for (unsigned i = 0; i < 1000; ++i) {
    const std::string payload(i * 7 % 1400, static_cast<char>('a' + i % 26));
    const Bytes frame = Testbed::From('a', 'b').Udp(5, 53, payload).bytes();
    bed.Send('a', frame);
    bed.Turn();
    bed.Received('b');
    const std::vector<Seen> seen = captured.Take();
    ASSERT_EQ(seen.size(), 1u) << i;
    ASSERT_EQ(seen[0].bytes, frame) << i;
  }
}

TEST(CapturePackets, ATraceIsNoPacket) {
  Testbed bed;
  Captured captured(bed);
  bed.Turn();
  bed.Trace('a', Udp('a', 'b'));
  bed.Trace('a', Multicast('a'));
  bed.Turn();
  EXPECT_EQ(captured.Fates(), "");
}

TEST(CapturePackets, TheUplinksTagIsNotInTheCopy) {
  Testbed bed({.pods = "ab", .uplink = true, .vlan = 7});
  Captured captured(bed);
  const Bytes frame = Testbed::From('a', 'z').Udp(5, 53).bytes();
  bed.Send('a', frame);
  bed.Turn();
  ASSERT_EQ(bed.Received('u').size(), 1u);
  const std::vector<Seen> seen = captured.Take();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].bytes, frame);
}

}  // namespace
}  // namespace sluice::test
