// Policies with reject: who is refused is told, by a reset or an ICMP error, and only who should
// be.
#include <gtest/gtest.h>
#include <rte_icmp.h>
#include <rte_mbuf.h>

#include "dataplane/answer.h"
#include "dataplane/parse.h"
#include "dataplane/token_bucket.h"
#include "tests/support/exact_mbuf.h"
#include "tests/support/testbed.h"
#include "tests/support/wire.h"

namespace sluice::test {
namespace {

using dataplane::AnswerKind;
using dataplane::Denial;
using dataplane::DropReason;
using dataplane::EventKind;
using dataplane::kTcpAck;
using dataplane::kTcpFin;
using dataplane::kTcpRst;
using dataplane::kTcpSyn;
using dataplane::MacAddress;
using dataplane::Mode;
using dataplane::Outcome;
using dataplane::Packet;
using dataplane::TokenBucket;
using dataplane::TokenRate;

constexpr uint8_t kUnreachable4 = 3, kProhibited4 = 13, kUnreachable6 = 1, kProhibited6 = 1;
const MacAddress kOutside{{2, 0, 0, 0, 0, 0x99}};

// a may not reach b, and is told so.
void ShutB(Testbed& bed) {
  bed.Apply({Isolate("shut", "b", {"Ingress"})});
  bed.Reject("shut");
}

// What came back by `port` after one frame into it; nothing came out elsewhere, and the frame was
// counted as refused.
std::vector<Bytes> Answers(Testbed& bed, char port, const Bytes& frame,
                           DropReason reason = DropReason::kPolicyIngress) {
  const uint64_t refused = bed.Drops(port, reason);
  bed.Send(port, frame);
  bed.Turn();
  EXPECT_EQ(bed.Drops(port, reason), refused + 1);
  for (const char other : std::string("abu")) {
    if (other == port || !bed.Has(other)) continue;
    EXPECT_TRUE(bed.Received(other).empty()) << other;
  }
  return bed.Received(port);
}

uint64_t Counted(const Testbed& bed, Outcome outcome) {
  uint64_t sum = 0;
  bed.journal(0).denials().ForEach([&](const Denial& denial, uint64_t packets) {
    if (denial.outcome == outcome) sum += packets;
  });
  return sum;
}

// From where `question` was to go, to where it came from.
void ExpectReturned(const Bytes& answer, const Bytes& question) {
  ASSERT_GE(answer.size(), 34u);
  EXPECT_TRUE(std::equal(answer.begin(), answer.begin() + 6, question.begin() + 6)) << "to";
  EXPECT_TRUE(std::equal(answer.begin() + 6, answer.begin() + 12, question.begin())) << "from";
  const Wire told(answer), asked(question);
  ASSERT_EQ(told.v4(), asked.v4());
  EXPECT_EQ(told.end(), answer.size());
  if (told.v4()) {
    EXPECT_EQ(told.ip4().src_addr, asked.ip4().dst_addr);
    EXPECT_EQ(told.ip4().dst_addr, asked.ip4().src_addr);
    EXPECT_EQ(rte_raw_cksum(&told.ip4(), rte_ipv4_hdr_len(&told.ip4())), 0xffff);
  } else {
    EXPECT_EQ(std::memcmp(told.ip6().src_addr, asked.ip6().dst_addr, 16), 0);
    EXPECT_EQ(std::memcmp(told.ip6().dst_addr, asked.ip6().src_addr, 16), 0);
  }
}

struct Numbers {
  uint8_t flags = 0;
  uint32_t seq = 0, ack = 0;
};

void ExpectReset(const Bytes& answer, const Bytes& question, const Numbers& numbers) {
  ExpectReturned(answer, question);
  const Wire told(answer), asked(question);
  ASSERT_EQ(told.protocol(), IPPROTO_TCP);
  EXPECT_EQ(answer.size(), told.l4() + sizeof(rte_tcp_hdr)) << "no options, no data";
  EXPECT_EQ(told.tcp().src_port, asked.tcp().dst_port);
  EXPECT_EQ(told.tcp().dst_port, asked.tcp().src_port);
  EXPECT_EQ(told.tcp().tcp_flags, numbers.flags);
  EXPECT_EQ(told.seq(), numbers.seq);
  EXPECT_EQ(rte_be_to_cpu_32(told.tcp().recv_ack), numbers.ack);
  EXPECT_EQ(told.tcp().data_off, 5 << 4);
  EXPECT_TRUE(told.ChecksumsHold());
}

// `quoted`: bytes of the question's IP packet.
void ExpectUnreachable(const Bytes& answer, const Bytes& question, size_t quoted) {
  ExpectReturned(answer, question);
  const Wire told(answer);
  ASSERT_EQ(told.protocol(), told.v4() ? uint8_t{IPPROTO_ICMP} : uint8_t{IPPROTO_ICMPV6});
  ASSERT_EQ(answer.size(), told.l4() + sizeof(rte_icmp_hdr) + quoted);
  EXPECT_EQ(answer[told.l4()], told.v4() ? kUnreachable4 : kUnreachable6);
  EXPECT_EQ(answer[told.l4() + 1], told.v4() ? kProhibited4 : kProhibited6);
  for (size_t i = 4; i < 8; ++i) EXPECT_EQ(answer[told.l4() + i], 0) << "unused";
  if (told.v4()) {
    EXPECT_EQ(rte_raw_cksum(&answer[told.l4()], answer.size() - told.l4()), 0xffff);
  } else {
    EXPECT_EQ(rte_ipv6_udptcp_cksum(&told.ip6(), &answer[told.l4()]), 0);
  }
  const auto quote = answer.end() - static_cast<ptrdiff_t>(quoted);
  EXPECT_TRUE(std::equal(quote, answer.end(), question.begin() + 14));
}

Bytes Udp(char from, char to, size_t payload = 4) {
  return Testbed::From(from, to).Udp(5, 53, std::string(payload, 'x')).bytes();
}
Bytes Udp6(char from, char to, size_t payload = 4) {
  return Testbed::From6(from, to).Udp(5, 53, std::string(payload, 'x')).bytes();
}

TEST(Reject, ASynIsAnsweredByAResetThatAcknowledgesIt) {
  for (const bool v6 : {false, true}) {
    Testbed bed;
    ShutB(bed);
    Frame frame = v6 ? Testbed::From6('a', 'b') : Testbed::From('a', 'b');
    const Bytes syn = frame.Seq(1000, 0).Tcp(4000, 80, kTcpSyn).bytes();
    const auto answers = Answers(bed, 'a', syn);
    ASSERT_EQ(answers.size(), 1u);
    ExpectReset(answers[0], syn, {.flags = kTcpRst | kTcpAck, .seq = 0, .ack = 1001});
    EXPECT_EQ(bed.Answered('a'), 1u);
    EXPECT_EQ(bed.connections(), 0u);
  }
}

TEST(Reject, ASynWithOptionsAndDataCountsTheDataAndLosesTheOptions) {
  Testbed bed;
  ShutB(bed);
  Frame frame = Testbed::From('a', 'b');
  const Bytes syn =
      frame.Options({2, 4, 5, 0xb4}).Seq(0xffff'fffe, 0).Tcp(4000, 80, kTcpSyn, "hello").bytes();
  const auto answers = Answers(bed, 'a', syn);
  ASSERT_EQ(answers.size(), 1u);
  ExpectReset(answers[0], syn, {.flags = kTcpRst | kTcpAck, .seq = 0, .ack = 4});  // it wraps
}

// A connection that a change of policy cuts: either end may be who learns it.
TEST(Reject, ASegmentWithAckIsAnsweredByAResetInItsPlace) {
  for (const bool by_initiator : {true, false}) {
    Testbed bed;
    bed.Deliver('a', Testbed::From('a', 'b').Seq(100, 0).Tcp(4000, 80, kTcpSyn).bytes());
    bed.Deliver('b',
                Testbed::From('b', 'a').Seq(500, 101).Tcp(80, 4000, kTcpSyn | kTcpAck).bytes());
    bed.Deliver('a', Testbed::From('a', 'b').Seq(101, 501).Tcp(4000, 80, kTcpAck).bytes());
    EXPECT_EQ(bed.connections(), 1u);
    ShutB(bed);
    const Bytes segment =
        by_initiator
            ? Testbed::From('a', 'b').Seq(101, 501).Tcp(4000, 80, kTcpAck, "more").bytes()
            : Testbed::From('b', 'a').Seq(501, 101).Tcp(80, 4000, kTcpAck | kTcpFin).bytes();
    const auto answers = Answers(bed, by_initiator ? 'a' : 'b', segment);
    ASSERT_EQ(answers.size(), 1u);
    ExpectReset(answers[0], segment, {.flags = kTcpRst, .seq = by_initiator ? 501u : 101u});
    EXPECT_EQ(bed.connections(), 0u);
  }
}

TEST(Reject, AResetIsNeverAnswered) {
  Testbed bed;
  bed.Deliver('a', Testbed::From('a', 'b').Seq(100, 0).Tcp(4000, 80, kTcpSyn).bytes());
  ShutB(bed);
  const Bytes reset = Testbed::From('a', 'b').Seq(101, 0).Tcp(4000, 80, kTcpRst).bytes();
  EXPECT_TRUE(Answers(bed, 'a', reset).empty());
  EXPECT_EQ(bed.Answered('a'), 0u);
  EXPECT_EQ(Counted(bed, Outcome::kRejected), 1u) << "a reject it is all the same";
}

TEST(Reject, OthersAreAnsweredByProhibitedWithTheirPacket) {
  struct Row {
    const char* name;
    Bytes frame;
  };
  const Row rows[] = {
      {"udp", Udp('a', 'b')},
      {"udp over IPv6", Udp6('a', 'b')},
      {"sctp", Testbed::From('a', 'b').Sctp(5, 6).bytes()},
      {"echo request", Testbed::From('a', 'b').Echo(true, 7).bytes()},
      {"echo request over IPv6", Testbed::From6('a', 'b').Echo(true, 7).bytes()},
      {"timestamp request", Testbed::From('a', 'b').Icmp(13, 0).bytes()},
      {"another protocol", Testbed::From('a', 'b').Protocol(47, "abcdefgh").bytes()},
      {"behind an extension header", Testbed::From6('a', 'b').Extension(60).Udp(5, 6).bytes()},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Testbed bed;
    ShutB(bed);
    const auto answers = Answers(bed, 'a', row.frame);
    ASSERT_EQ(answers.size(), 1u);
    ExpectUnreachable(answers[0], row.frame, row.frame.size() - 14);
  }
}

TEST(Reject, NoMoreIsQuotedThanMakesTheLargestError) {
  Testbed bed;
  ShutB(bed);
  for (const size_t payload : {519u, 520u, 521u, 1400u}) {  // 28 + 20 + 8 + 520 = 576
    const Bytes frame = Udp('a', 'b', payload);
    const auto answers = Answers(bed, 'a', frame);
    ASSERT_EQ(answers.size(), 1u);
    ExpectUnreachable(answers[0], frame, std::min<size_t>(frame.size() - 14, 576 - 28));
  }
  for (const size_t payload : {1183u, 1184u, 1185u, 1400u}) {  // 48 + 40 + 8 + 1184 = 1280
    const Bytes frame = Udp6('a', 'b', payload);
    const auto answers = Answers(bed, 'a', frame);
    ASSERT_EQ(answers.size(), 1u);
    ExpectUnreachable(answers[0], frame, std::min<size_t>(frame.size() - 14, 1280 - 48));
  }
}

TEST(Reject, AnAnswerFitsTheMtuOfItsPort) {
  Testbed bed;
  ShutB(bed);
  bed.SetMtu('a', 68);
  const Bytes frame = Udp('a', 'b', 300);
  const auto answers = Answers(bed, 'a', frame);
  ASSERT_EQ(answers.size(), 1u);
  ExpectUnreachable(answers[0], frame, 40);
}

TEST(Reject, PaddingIsNotQuoted) {
  Testbed bed;
  ShutB(bed);
  const Bytes frame = Udp('a', 'b');
  Bytes padded = frame;
  padded.resize(60);
  const auto answers = Answers(bed, 'a', padded);
  ASSERT_EQ(answers.size(), 1u);
  ExpectUnreachable(answers[0], frame, frame.size() - 14);
}

TEST(Reject, OfAPacketInPiecesTheFirstIsQuotedAndTheRestGivenBack) {
  Testbed bed;
  ShutB(bed);
  const Bytes frame = Udp('a', 'b', 200);
  bed.SendSegments('a', frame, 100);
  bed.Turn();
  const auto answers = bed.Received('a');
  ASSERT_EQ(answers.size(), 1u);
  ExpectUnreachable(answers[0], frame, 100 - 14);
}

// What its sender left undone is not left to who gets the answer.
TEST(Reject, AnAnswerToAPacketLeftUndoneIsComplete) {
  Testbed bed;
  ShutB(bed);
  const Bytes syn = Testbed::From('a', 'b').Seq(7, 0).Tcp(1, 2, kTcpSyn).bytes();
  bed.SendUndone('a', syn, {.checksum = true});
  bed.Turn();
  const auto received = bed.ReceivedUndone('a');
  ASSERT_EQ(received.size(), 1u);
  EXPECT_FALSE(received[0].undone.checksum);
  ExpectReset(received[0].frame, syn, {.flags = kTcpRst | kTcpAck, .seq = 0, .ack = 8});
}

TEST(Reject, IcmpErrorsAndRedirectsAreNeverAnswered) {
  const Bytes quiet[] = {
      Testbed::From('a', 'b').Icmp(5, 1, std::string(32, 0)).bytes(),     // redirect
      Testbed::From6('a', 'b').Icmp(100, 0, std::string(32, 0)).bytes(),  // an error, unknown
  };
  for (const Bytes& frame : quiet) {
    Testbed bed;
    ShutB(bed);
    EXPECT_TRUE(Answers(bed, 'a', frame).empty());
  }
  // The known errors die earlier, of quoting nothing of ours.
  for (const uint8_t type : {3, 4, 11, 12}) {
    Testbed bed;
    ShutB(bed);
    const Bytes frame = Testbed::From('a', 'b').Icmp(type, 0, std::string(32, 0)).bytes();
    EXPECT_NE(bed.LastDrop('a', frame), DropReason::kNone);
    EXPECT_EQ(bed.Answered('a'), 0u);
  }
}

TEST(Reject, OfADatagramInFragmentsTheFirstAloneIsAnswered) {
  Testbed bed;
  ShutB(bed);
  constexpr uint16_t kMore = 0x2000;
  Bytes first = Testbed::From('a', 'b').Udp(5, 53, std::string(16, 'x')).Set16(20, kMore).bytes();
  Bytes later = Testbed::From('a', 'b').Udp(5, 53, std::string(16, 'x')).Set16(20, 3).bytes();
  const auto answers = Answers(bed, 'a', first);
  ASSERT_EQ(answers.size(), 1u);
  ExpectUnreachable(answers[0], first, first.size() - 14);
  EXPECT_TRUE(Answers(bed, 'a', later).empty());
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress), 2u) << "the rest dies of the same";
}

TEST(Reject, AFragmentThatIsRefusedAfterItsFirstPassedIsNotAnswered) {
  Testbed bed;
  constexpr uint16_t kMore = 0x2000;
  const std::string data(16, 'x');
  ASSERT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Udp(5, 53, data).Set16(20, kMore).bytes()),
            "b");
  ShutB(bed);
  EXPECT_TRUE(
      Answers(bed, 'a', Testbed::From('a', 'b').Udp(5, 53, data).Set16(20, 3).bytes()).empty());
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress), 1u);
}

TEST(Reject, MulticastAndBroadcastAreNeverAnswered) {
  Testbed bed;
  ShutB(bed);
  Frame group;
  group.Ether(Testbed::Mac('a'), {{1, 0, 0x5e, 1, 1, 1}}).Ip("10.0.0.1", "224.1.1.1").Udp(5, 5);
  EXPECT_TRUE(Answers(bed, 'a', group.bytes()).empty());
  Frame all;
  all.Ether(Testbed::Mac('a'), {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}});
  all.Ip("10.0.0.1", "255.255.255.255").Udp(5, 5);
  EXPECT_TRUE(Answers(bed, 'a', all.bytes()).empty());
  // The MAC of one, the address of many: an unguarded pod takes that.
  bed.SetGuard('b', false);
  Frame mixed;
  mixed.Ether(Testbed::Mac('a'), Testbed::Mac('b')).Ip("10.0.0.1", "224.1.1.1").Udp(5, 5);
  EXPECT_TRUE(Answers(bed, 'a', mixed.bytes()).empty());
}

TEST(Reject, NobodyIsNotAnswered) {
  Testbed bed;
  ShutB(bed);
  bed.SetGuard('a', false);
  Frame frame;
  frame.Ether(Testbed::Mac('a'), Testbed::Mac('b')).Ip("0.0.0.0", Testbed::V4('b')).Udp(5, 5);
  EXPECT_TRUE(Answers(bed, 'a', frame.bytes()).empty());
}

TEST(Reject, BothDirectionsReject) {
  Testbed bed;
  bed.Apply({Isolate("out", "a", {"Egress"})});
  bed.Reject("out");
  const Bytes frame = Udp('a', 'b');
  const auto answers = Answers(bed, 'a', frame, DropReason::kPolicyEgress);
  ASSERT_EQ(answers.size(), 1u);
  ExpectUnreachable(answers[0], frame, frame.size() - 14);
}

TEST(Reject, WhatTheFirstToRefuseSaysCounts) {
  Testbed bed;
  bed.Apply({Isolate("out", "a", {"Egress"}), Isolate("shut", "b", {"Ingress"})});
  bed.Reject("shut");
  EXPECT_TRUE(Answers(bed, 'a', Udp('a', 'b'), DropReason::kPolicyEgress).empty());
  EXPECT_EQ(Counted(bed, Outcome::kRejected), 0u);
}

TEST(Reject, WhatIsDroppedForOtherReasonsOrByOtherPoliciesIsNotAnswered) {
  Testbed bed({.pods = "abc"});
  bed.Apply({Isolate("shut", "b", {"Ingress"}), Isolate("silent", "c", {"Ingress"})});
  bed.Reject("shut");
  EXPECT_EQ(bed.LastDrop('a', Udp('a', 'c')), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.LastDrop('a', Udp('b', 'c')), DropReason::kGuardMac);
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Tcp(1, 2, kTcpAck).bytes()),
            DropReason::kTcpNotSyn);
  EXPECT_EQ(bed.Answered('a'), 0u);
}

TEST(Reject, InModeObserveItPassesAndIsNotAnswered) {
  Testbed bed;
  ShutB(bed);
  bed.SetMode(Mode::kObserve);
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
  EXPECT_EQ(bed.Answered('a'), 0u);
  EXPECT_EQ(Counted(bed, Outcome::kObserved), 1u);
  EXPECT_EQ(Counted(bed, Outcome::kRejected), 0u);
}

TEST(Reject, AnAnswerLeavesTheUplinkWithTheTagThatTheQuestionHad) {
  constexpr uint16_t kVlan = 100;
  Testbed bed({.pods = "ab", .uplink = true, .vlan = kVlan});
  ShutB(bed);
  const auto question = [&](bool tagged) {
    Frame frame;
    frame.Ether(kOutside, Testbed::Mac('b'));
    if (tagged) frame.Vlan(kVlan);
    return frame.Ip("10.9.9.9", Testbed::V4('b')).Udp(7, 8).bytes();
  };
  auto answers = Answers(bed, 'u', question(true));
  ASSERT_EQ(answers.size(), 1u);
  Bytes& answer = answers[0];
  EXPECT_EQ(Bytes(answer.begin() + 12, answer.begin() + 16), (Bytes{0x81, 0, 0, kVlan}));
  answer.erase(answer.begin() + 12, answer.begin() + 16);
  ExpectUnreachable(answer, question(false), question(false).size() - 14);

  Frame syn;
  syn.Ether(kOutside, Testbed::Mac('b')).Vlan(kVlan).Ip("10.9.9.9", Testbed::V4('b'));
  const Bytes tagged = syn.Seq(1, 0).Tcp(7, 8, kTcpSyn).bytes();
  answers = Answers(bed, 'u', tagged);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].size(), 54u + 4u);
  EXPECT_EQ(Bytes(answers[0].begin() + 12, answers[0].begin() + 16), (Bytes{0x81, 0, 0, kVlan}));
}

TEST(Reject, APortGetsSoManyAnswersASecondAndTheRestDiesInSilence) {
  Testbed bed({.pods = "abc", .reject = {.answers = {.per_second = 10, .burst = 3}}});
  ShutB(bed);
  const auto answered = [&](char port, unsigned packets) {
    for (unsigned i = 0; i < packets; ++i) bed.Send(port, Udp(port, 'b'));
    bed.Turn();
    return bed.Received(port).size();
  };
  EXPECT_EQ(answered('a', 20), 3u);
  EXPECT_EQ(answered('c', 2), 2u) << "each port for itself";
  bed.Advance(99);
  EXPECT_EQ(answered('a', 5), 0u);
  bed.Advance(1);
  EXPECT_EQ(answered('a', 5), 1u);
  bed.Advance(60'000);
  EXPECT_EQ(answered('a', 20), 3u) << "what is saved is bounded";
  EXPECT_EQ(bed.Answered('a'), 7u);
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress), 50u);
  EXPECT_EQ(Counted(bed, Outcome::kRejected), 52u);
}

TEST(Reject, WhatMayNotBeAnsweredTakesNoTokens) {
  Testbed bed({.pods = "ab", .reject = {.answers = {.per_second = 1, .burst = 1}}});
  ShutB(bed);
  for (int i = 0; i < 5; ++i)
    Answers(bed, 'a', Testbed::From('a', 'b').Icmp(5, 1, "12345678").bytes());
  EXPECT_EQ(Answers(bed, 'a', Udp('a', 'b')).size(), 1u);
}

TEST(Reject, ItIsToldAndCountedAsRejected) {
  Testbed bed;
  ShutB(bed);
  bed.Watch();
  Answers(bed, 'a', Udp('a', 'b'));
  const auto events = bed.Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, EventKind::kRejected);
  EXPECT_EQ(events[0].reason, DropReason::kPolicyIngress);
  EXPECT_EQ(Counted(bed, Outcome::kRejected), 1u);
  EXPECT_EQ(Counted(bed, Outcome::kDropped), 0u);
}

TEST(Reject, ATraceSaysHowItWouldBeAnsweredAndSendsNothing) {
  Testbed bed;
  ShutB(bed);
  const auto udp = bed.Trace('a', Udp('a', 'b'));
  EXPECT_TRUE(udp.rejected);
  EXPECT_EQ(udp.answer, AnswerKind::kUnreachable);
  const auto syn = bed.Trace('a', Testbed::From('a', 'b').Tcp(1, 2, kTcpSyn).bytes());
  EXPECT_EQ(syn.answer, AnswerKind::kReset);
  bed.Turn();
  EXPECT_TRUE(bed.Received('a').empty());
  EXPECT_EQ(bed.Answered('a'), 0u);
}

// A packet in a heap block of exactly `headroom` bytes and the frame.
class Lone {
 public:
  Lone(const Bytes& frame, uint16_t headroom) : buffer_(frame, frame.size(), headroom) {
    packet_.mbuf = buffer_.get();
    dataplane::ParsePacket(packet_);
    EXPECT_TRUE(packet_.alive());
  }
  bool Make() { return dataplane::MakeAnswer(packet_, dataplane::AnswerTo(packet_), 1500); }
  rte_mbuf& mbuf() { return *buffer_.get(); }
  Bytes bytes() { return Contents(mbuf()); }

 private:
  ExactMbuf buffer_;
  Packet packet_;
};

constexpr uint16_t kTag = 4;  // for which room must be left

TEST(Answer, IsWrittenWithinTheBufferOrNotAtAll) {
  for (const bool v6 : {false, true}) {
    const Bytes udp = v6 ? Udp6('a', 'b') : Udp('a', 'b');
    const uint16_t needed = (v6 ? 48 : 28) + kTag;
    Lone fits(udp, needed);
    EXPECT_TRUE(fits.Make());
    ExpectUnreachable(fits.bytes(), udp, udp.size() - 14);
    Lone tight(udp, needed - 2);  // headers lie on even addresses
    EXPECT_FALSE(tight.Make());
    EXPECT_EQ(tight.bytes(), udp);

    Frame frame = v6 ? Testbed::From6('a', 'b') : Testbed::From('a', 'b');
    const Bytes syn = frame.Seq(1, 0).Tcp(1, 2, kTcpSyn).bytes();
    Lone reset(syn, 0);
    EXPECT_TRUE(reset.Make());
    ExpectReset(reset.bytes(), syn, {.flags = kTcpRst | kTcpAck, .seq = 0, .ack = 2});
  }
}

TEST(Answer, IsNotWrittenOverWhatOthersHold) {
  const Bytes udp = Udp('a', 'b');
  Lone shared(udp, 64);
  rte_mbuf_refcnt_update(&shared.mbuf(), 1);
  EXPECT_FALSE(shared.Make());
  Lone indirect(udp, 64);
  indirect.mbuf().ol_flags |= RTE_MBUF_F_INDIRECT;
  EXPECT_FALSE(indirect.Make());
  Lone external(udp, 64);
  external.mbuf().ol_flags |= RTE_MBUF_F_EXTERNAL;
  EXPECT_FALSE(external.Make());
  EXPECT_EQ(external.bytes(), udp);
}

TEST(TokenBucket, FillsByItsRateUpToItsBurstAcrossTheClocksWrap) {
  TokenBucket bucket;
  const TokenRate rate{.per_second = 100, .burst = 2};
  uint32_t now = UINT32_MAX - 4;
  EXPECT_TRUE(bucket.Take(rate, now));
  EXPECT_TRUE(bucket.Take(rate, now));
  EXPECT_FALSE(bucket.Take(rate, now));
  now += 9;
  EXPECT_FALSE(bucket.Take(rate, now));
  now += 1;
  EXPECT_TRUE(bucket.Take(rate, now));
  now += 1'000'000;
  EXPECT_TRUE(bucket.Take(rate, now));
  EXPECT_TRUE(bucket.Take(rate, now));
  EXPECT_FALSE(bucket.Take(rate, now));
}

}  // namespace
}  // namespace sluice::test
