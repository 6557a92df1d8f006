// A trace says what would happen, and nothing happens. That it is right about every packet is held
// against reality in Testbed::Deliver, by all tests here; these are about what else it says.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpRst;
using dataplane::kTcpSyn;
using dataplane::Stage;
using dataplane::TraceReport;
using dataplane::TraceTracking;

Bytes Tcp(char from, char to, uint16_t source, uint16_t destination, uint8_t flags) {
  return Testbed::From(from, to).Tcp(source, destination, flags).bytes();
}

void Connect(Testbed& bed) {
  bed.Deliver('a', Tcp('a', 'b', 1000, 80, kTcpSyn));
  bed.Deliver('b', Tcp('b', 'a', 80, 1000, kTcpSyn | kTcpAck));
  ASSERT_EQ(bed.Deliver('a', Tcp('a', 'b', 1000, 80, kTcpAck)), "b");
}

std::string RuleText(const Testbed& bed, const dataplane::TraceSide& side) {
  const acl::RuleSource* source = bed.rule_ids().Find(side.rule);
  if (source == nullptr) return "";
  std::string text;
  for (const std::string& policy : source->policies) text += policy + " ";
  return text + source->rule;
}

TEST(Trace, SaysWhichRuleOfWhichPolicyDecided) {
  Testbed bed;
  acl::NetworkPolicy policy = Isolate("web", "b", {"Ingress"});
  policy.ingress = {Admit("nobody"), Admit("a", "TCP", 80)};
  bed.Apply({policy, Isolate("other", "b", {"Ingress"})});
  const TraceReport allowed = bed.Trace('a', Tcp('a', 'b', 1000, 80, kTcpSyn));
  EXPECT_EQ(allowed.drop, DropReason::kNone);
  EXPECT_EQ(allowed.out_port, bed.id('b'));
  EXPECT_EQ(allowed.tracking, TraceTracking::kNew);
  EXPECT_TRUE(allowed.judged);
  EXPECT_TRUE(allowed.egress.judged);
  EXPECT_EQ(allowed.egress.rule, acl::kNoRule);
  EXPECT_EQ(RuleText(bed, allowed.ingress), "NetworkPolicy default/web ingress[1]");

  const TraceReport denied = bed.Trace('a', Tcp('a', 'b', 1000, 81, kTcpSyn));
  EXPECT_EQ(denied.drop, DropReason::kPolicyIngress);
  EXPECT_EQ(denied.died_in, Stage::kJudge);
  EXPECT_FALSE(denied.ingress.allow);
  EXPECT_EQ(RuleText(bed, denied.ingress),
            "NetworkPolicy default/other NetworkPolicy default/web ");
}

TEST(Trace, NamesTheStageThatAPacketDiesIn) {
  Testbed bed;
  const auto died_in = [&](const Bytes& frame) { return bed.Trace('a', frame).died_in; };
  EXPECT_EQ(died_in(Testbed::From('a', 'b').Udp(1, 2).Truncate(20).bytes()), Stage::kParse);
  EXPECT_EQ(died_in(Testbed::From('b', 'a').Udp(1, 2).bytes()), Stage::kGuard);
  EXPECT_EQ(died_in(Testbed::From('a', 'z').Udp(1, 2).bytes()), Stage::kForward);
  EXPECT_EQ(died_in(Tcp('a', 'b', 1, 2, kTcpAck)), Stage::kTrack);
}

TEST(Trace, NothingHappens) {
  Testbed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  bed.Trace('a', Tcp('a', 'b', 1000, 80, kTcpSyn));
  bed.Trace('a', Testbed::From('b', 'a').Udp(1, 2).bytes());
  bed.Apply({});
  bed.Trace('a', Tcp('a', 'b', 1000, 80, kTcpSyn));
  bed.Trace('a', Testbed::From('a', 'b').Udp(1, 2).bytes());
  bed.Turn();
  EXPECT_TRUE(bed.Received('b').empty());
  EXPECT_EQ(bed.connections(), 0u);
  EXPECT_EQ(bed.Drops('a'), 0u);
  const auto& port = bed.tally(0).ports[bed.id('a')];
  EXPECT_EQ(port.rx_packets.Read(), 0u);
  EXPECT_EQ(bed.tally(0).packets.Read(), 0u);
  EXPECT_EQ(bed.tally(0).classified.Read(), 0u);
  bed.journal(0).denials().ForEach(
      [](const dataplane::Denial&, uint64_t) { ADD_FAILURE() << "a denial was counted"; });
}

TEST(Trace, AConnectionIsLeftAsItWas) {
  Testbed bed;
  Connect(bed);
  const auto packets = [&] {
    uint64_t sum = 0;
    bed.table().Visit([&](const dataplane::Connection& connection) {
      EXPECT_EQ(StateOf(connection), dataplane::ConnectionState::kEstablished);
      for (const auto& half : connection.halves) sum += half.packets.load();
      return true;
    });
    return sum;
  };
  const uint64_t before = packets();
  const TraceReport ack = bed.Trace('a', Tcp('a', 'b', 1000, 80, kTcpAck));
  EXPECT_EQ(ack.tracking, TraceTracking::kKnown);
  EXPECT_STREQ(ack.connection_state, "established");
  EXPECT_FALSE(ack.reply);
  EXPECT_TRUE(bed.Trace('b', Tcp('b', 'a', 80, 1000, kTcpAck)).reply);
  bed.Trace('a', Tcp('a', 'b', 1000, 80, kTcpRst));
  EXPECT_EQ(packets(), before);
  EXPECT_EQ(bed.connections(), 1u);
}

TEST(Trace, AStaleConnectionThatPolicyNowDeniesStaysUntilARealPacketComes) {
  Testbed bed;
  Connect(bed);
  bed.Apply({Isolate("cut", "b", {"Ingress"})});
  const TraceReport report = bed.Trace('b', Tcp('b', 'a', 80, 1000, kTcpAck));
  EXPECT_EQ(report.tracking, TraceTracking::kStale);
  EXPECT_EQ(report.drop, DropReason::kPolicyIngress) << "judged as its initiator's";
  EXPECT_TRUE(report.reply);
  EXPECT_EQ(bed.connections(), 1u);
  EXPECT_EQ(bed.Deliver('b', Tcp('b', 'a', 80, 1000, kTcpAck)), "");
  EXPECT_EQ(bed.connections(), 0u);
}

TEST(Trace, ListsEveryReceiverOfAMulticast) {
  Testbed bed({.pods = "abcd"});
  bed.Apply({Isolate("deny", "c", {"Ingress"})});
  Frame frame;
  frame.Ether(Testbed::Mac('a'), {{1, 0, 0x5e, 1, 1, 1}}).Ip("10.0.0.1", "224.1.1.1").Udp(5, 5);
  const TraceReport report = bed.Trace('a', frame.bytes());
  ASSERT_EQ(report.receivers, 3u);
  EXPECT_TRUE(report.flood);
  for (unsigned i = 0; i < report.receivers; ++i) {
    const bool denied = report.receiver[i].port == bed.id('c');
    EXPECT_EQ(report.receiver[i].refusal, denied ? DropReason::kPolicyIngress : DropReason::kNone);
  }
  EXPECT_EQ(bed.BuffersInUse(), 0u);
}

TEST(Trace, TheEpochIsTheSnapshotsInForce) {
  Testbed bed;
  const uint64_t before = bed.Trace('a', Testbed::From('a', 'b').Udp(1, 2).bytes()).epoch;
  bed.Apply({});
  EXPECT_EQ(bed.Trace('a', Testbed::From('a', 'b').Udp(1, 2).bytes()).epoch, before + 1);
}

}  // namespace
}  // namespace sluice::test
