// ICMP errors: those about a connection pass without a rule, the others die.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using dataplane::MacAddress;

const MacAddress kRouter{{2, 9, 9, 9, 9, 9}};
constexpr uint8_t kUnreachable = 3, kTimeExceeded = 11, kParameter = 12;
constexpr uint8_t kUnreachable6 = 1, kTooBig6 = 2, kTimeExceeded6 = 3, kParameter6 = 4;
constexpr size_t kEther = 14;

// The body of an error: four bytes, then the packet it is about, from its IP header on.
std::string Quote(const Bytes& frame, size_t limit = 1000) {
  std::string body(4, '\0');
  body.append(frame.begin() + kEther, frame.end());
  return body.substr(0, 4 + limit);
}

Frame FromRouter(char to) {
  return Frame().Ether(kRouter, Testbed::Mac(to)).Ip("198.51.100.1", Testbed::V4(to));
}
Frame FromRouter6(char to) {
  return Frame().Ether(kRouter, Testbed::Mac(to)).Ip("2001:db8::1", Testbed::V6(to));
}
Frame ToOutside(char from) {
  return Frame().Ether(Testbed::Mac(from), kRouter).Ip(Testbed::V4(from), "192.0.2.7");
}
Frame ToOutside6(char from) {
  return Frame().Ether(Testbed::Mac(from), kRouter).Ip(Testbed::V6(from), "2001:db8::7");
}

// a may send; nothing may be sent to it, and b may send nothing.
void CloseBoth(Testbed& bed) {
  bed.Apply(
      {Isolate("a-takes-nothing", "a", {"Ingress"}), Isolate("b-sends-nothing", "b", {"Egress"})});
}

TEST(Related, AClosedPortAnswersThroughClosedPolicies) {
  Testbed bed;
  CloseBoth(bed);
  const Bytes probe = Testbed::From('a', 'b').Udp(40000, 33434, "probe").bytes();
  const Bytes probe6 = Testbed::From6('a', 'b').Udp(40000, 33434, "probe").bytes();
  const Bytes error = Testbed::From('b', 'a').Icmp(kUnreachable, 3, Quote(probe)).bytes();
  const Bytes error6 = Testbed::From6('b', 'a').Icmp(kUnreachable6, 4, Quote(probe6)).bytes();
  EXPECT_EQ(bed.LastDrop('b', error), DropReason::kIcmpUnrelated) << "nothing was sent yet";
  EXPECT_EQ(bed.LastDrop('b', error6), DropReason::kIcmpUnrelated);
  ASSERT_EQ(bed.Deliver('a', probe), "b");
  ASSERT_EQ(bed.Deliver('a', probe6), "b");
  EXPECT_EQ(bed.Deliver('b', error), "a");
  EXPECT_EQ(bed.Deliver('b', error6), "a");
}

TEST(Related, TracerouteSeesTheRoutersBehindTheUplink) {
  Testbed bed({.pods = "ab", .uplink = true});
  CloseBoth(bed);
  const Bytes udp = ToOutside('a').HopLimit(1).Udp(40000, 33434, "probe").bytes();
  const Bytes echo = ToOutside('a').HopLimit(1).Echo(true, 77).bytes();
  const Bytes echo6 = ToOutside6('a').HopLimit(1).Echo(true, 77).bytes();
  const Bytes syn = ToOutside('a').HopLimit(1).Seq(5000, 0).Tcp(40000, 80, kTcpSyn).bytes();
  const std::pair<Bytes, Bytes> rows[] = {
      {udp, FromRouter('a').Icmp(kTimeExceeded, 0, Quote(udp, 28)).bytes()},
      {echo, FromRouter('a').Icmp(kTimeExceeded, 0, Quote(echo, 28)).bytes()},
      {echo6, FromRouter6('a').Icmp(kTimeExceeded6, 0, Quote(echo6)).bytes()},
      {syn, FromRouter('a').Icmp(kTimeExceeded, 0, Quote(syn, 28)).bytes()},
  };
  for (const auto& [probe, error] : rows) {
    EXPECT_EQ(bed.LastDrop('u', error), DropReason::kIcmpUnrelated);
    ASSERT_EQ(bed.Deliver('a', probe), "u");
    EXPECT_EQ(bed.Deliver('u', error), "a");
  }
}

TEST(Related, EveryTypeOfErrorIs) {
  Testbed bed;
  CloseBoth(bed);
  const Bytes udp = Testbed::From('a', 'b').Udp(1, 2).bytes();
  const Bytes udp6 = Testbed::From6('a', 'b').Udp(1, 2).bytes();
  bed.Deliver('a', udp);
  bed.Deliver('a', udp6);
  for (const uint8_t type : {kUnreachable, uint8_t{4}, kTimeExceeded, kParameter}) {
    EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Icmp(type, 0, Quote(udp)).bytes()), "a");
  }
  for (const uint8_t type : {kUnreachable6, kTooBig6, kTimeExceeded6, kParameter6}) {
    EXPECT_EQ(bed.Deliver('b', Testbed::From6('b', 'a').Icmp(type, 0, Quote(udp6)).bytes()), "a");
  }
  EXPECT_EQ(bed.LastDrop('b', Testbed::From('b', 'a').Icmp(5, 1, Quote(udp)).bytes()),
            DropReason::kPolicyEgress)
      << "a redirect is judged: it would move routes";
}

TEST(Related, PacketTooBigForATcpSegmentInFlight) {
  Testbed bed({.pods = "ab", .uplink = true});
  CloseBoth(bed);
  ASSERT_EQ(bed.Deliver('a', ToOutside('a').Tcp(1000, 80, kTcpSyn).bytes()), "u");
  const Frame reply = Frame().Ether(kRouter, Testbed::Mac('a')).Ip("192.0.2.7", "10.0.0.1");
  ASSERT_EQ(bed.Deliver('u', Frame(reply).Tcp(80, 1000, kTcpSyn | kTcpAck).bytes()), "a");
  auto data = [](uint32_t seq) {
    return ToOutside('a').Seq(seq, 1).Tcp(1000, 80, kTcpAck, std::string(100, 'x')).bytes();
  };
  ASSERT_EQ(bed.Deliver('a', data(1)), "u");
  ASSERT_EQ(bed.Deliver('a', data(101)), "u");
  ASSERT_EQ(bed.Deliver('u', Frame(reply).Seq(1, 101).Tcp(80, 1000, kTcpAck).bytes()), "a");
  auto too_big = [&](uint32_t seq) {
    return FromRouter('a').Icmp(kUnreachable, 4, Quote(data(seq), 28)).bytes();
  };
  EXPECT_EQ(bed.Deliver('u', too_big(101)), "a");
  EXPECT_EQ(bed.LastDrop('u', too_big(50)), DropReason::kIcmpUnrelated) << "acknowledged";
  EXPECT_EQ(bed.LastDrop('u', too_big(202)), DropReason::kIcmpUnrelated) << "never sent";
  EXPECT_EQ(bed.LastDrop('u', too_big(0x8000'0000)), DropReason::kIcmpUnrelated);
}

TEST(Related, AnErrorGoesOnlyToWhoSentThePacketAndComesOnlyFromItsWay) {
  Testbed bed({.pods = "abc", .uplink = true});
  const Bytes udp = Testbed::From('a', 'b').Udp(1, 2).bytes();
  ASSERT_EQ(bed.Deliver('a', udp), "b");
  const auto expect_unrelated = [&](char port, Frame frame) {
    EXPECT_EQ(bed.LastDrop(port, frame.Icmp(kUnreachable, 3, Quote(udp)).bytes()),
              DropReason::kIcmpUnrelated);
  };
  expect_unrelated('c', Testbed::From('c', 'a'));  // not on the way
  expect_unrelated('b', Testbed::From('b', 'c'));  // not the sender
  expect_unrelated('a', Testbed::From('a', 'b'));  // to who received it
  expect_unrelated('u', FromRouter('a'));          // the way did not lead there
  // To the sender's MAC, but for another address; and to another's MAC with the sender's address.
  expect_unrelated('b',
                   Frame().Ether(Testbed::Mac('b'), Testbed::Mac('a')).Ip("10.0.0.2", "10.0.0.3"));
  expect_unrelated('b',
                   Frame().Ether(Testbed::Mac('b'), Testbed::Mac('c')).Ip("10.0.0.2", "10.0.0.1"));
  EXPECT_EQ(
      bed.LastDrop('b', Testbed::From('b', 'a')
                            .Icmp(kUnreachable, 3, Quote(Testbed::From('a', 'b').Udp(1, 3).bytes()))
                            .bytes()),
      DropReason::kIcmpUnrelated)
      << "another port";
  EXPECT_EQ(bed.LastDrop('b', Frame()
                                  .Ether(Testbed::Mac('b'), {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})
                                  .Ip("10.0.0.2", "255.255.255.255")
                                  .Icmp(kUnreachable, 3, Quote(udp))
                                  .bytes()),
            DropReason::kIcmpUnrelated)
      << "to everybody";
}

TEST(Related, AnErrorMovesAndRefreshesNothing) {
  Testbed bed;
  const Bytes udp = Testbed::From('a', 'b').Udp(1, 2).bytes();
  const Bytes error = Testbed::From('b', 'a').Icmp(kUnreachable, 3, Quote(udp)).bytes();
  ASSERT_EQ(bed.Deliver('a', udp), "b");
  bed.Advance(TimeoutMs(dataplane::ConnectionState::kUnreplied) - 1);
  ASSERT_EQ(bed.Deliver('b', error), "a");
  bed.table().Visit([](const dataplane::Connection& connection) {
    EXPECT_EQ(StateOf(connection), dataplane::ConnectionState::kUnreplied);
    return true;
  });
  bed.Advance(2);
  for (int turn = 0; turn < 100; ++turn) {
    bed.Advance(100);
    bed.Turn();
  }
  EXPECT_EQ(bed.connections(), 0u);
  EXPECT_EQ(bed.LastDrop('b', error), DropReason::kIcmpUnrelated);
}

TEST(Related, NoErrorPassesWhileItsConnectionIsToBeJudged) {
  Testbed bed;
  const Bytes udp = Testbed::From('a', 'b').Udp(1, 2).bytes();
  const Bytes error = Testbed::From('b', 'a').Icmp(kUnreachable, 3, Quote(udp)).bytes();
  ASSERT_EQ(bed.Deliver('a', udp), "b");
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  EXPECT_EQ(bed.LastDrop('b', error), DropReason::kIcmpUnrelated);
}

TEST(Related, OtherProtocolsAreKnownByNumberAndAddresses) {
  Testbed bed;
  CloseBoth(bed);
  const Bytes gre = Testbed::From('a', 'b').Protocol(47, "gre!").bytes();
  const Bytes esp = Testbed::From('a', 'b').Protocol(50, "esp!").bytes();
  ASSERT_EQ(bed.Deliver('a', gre), "b");
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Icmp(kUnreachable, 2, Quote(gre)).bytes()),
            "a");
  EXPECT_EQ(bed.LastDrop('b', Testbed::From('b', 'a').Icmp(kUnreachable, 2, Quote(esp)).bytes()),
            DropReason::kIcmpUnrelated);
}

// The quote is bytes that anybody may have written.
TEST(Related, QuotesAreReadWithinBounds) {
  Testbed bed;
  const Bytes udp = Testbed::From('a', 'b').Udp(1, 2, "payload").bytes();
  const Bytes udp6 = Testbed::From6('a', 'b').Udp(1, 2, "payload").bytes();
  ASSERT_EQ(bed.Deliver('a', udp), "b");
  ASSERT_EQ(bed.Deliver('a', udp6), "b");
  const auto outcome = [&bed](const Bytes& quoted, size_t limit) {
    return bed.LastDrop(
        'b', Testbed::From('b', 'a').Icmp(kUnreachable, 3, Quote(quoted, limit)).bytes());
  };
  const auto outcome6 = [&bed](const Bytes& quoted, size_t limit) {
    return bed.LastDrop(
        'b', Testbed::From6('b', 'a').Icmp(kUnreachable6, 4, Quote(quoted, limit)).bytes());
  };
  for (size_t limit = 0; limit < 28; ++limit) {
    EXPECT_EQ(outcome(udp, limit), DropReason::kIcmpMalformed) << limit;
  }
  for (size_t limit = 0; limit < 48; ++limit) {
    EXPECT_EQ(outcome6(udp6, limit), DropReason::kIcmpMalformed) << limit;
  }
  EXPECT_EQ(outcome(udp, 28), DropReason::kNone);
  EXPECT_EQ(outcome6(udp6, 48), DropReason::kNone);

  Frame v4 = Testbed::From('a', 'b').Udp(1, 2, "payload");
  EXPECT_EQ(outcome(Frame(v4).Set8(kEther, 0x44).bytes(), 100), DropReason::kIcmpMalformed);
  EXPECT_EQ(outcome(Frame(v4).Set8(kEther, 0x4f).bytes(), 100), DropReason::kIcmpMalformed);
  EXPECT_EQ(outcome(Frame(v4).Set8(kEther, 0x65).bytes(), 100), DropReason::kIcmpMalformed);
  EXPECT_EQ(outcome(Frame(v4).Set16(kEther + 6, 0x2000).bytes(), 100), DropReason::kNone)
      << "a first fragment has ports";
  EXPECT_EQ(outcome(Frame(v4).Set16(kEther + 6, 0x0010).bytes(), 100), DropReason::kIcmpUnrelated);
  EXPECT_EQ(outcome(Testbed::From('a', 'b').Icmp(kUnreachable, 3, Quote(udp)).bytes(), 100),
            DropReason::kIcmpUnrelated)
      << "an error about an error";

  const auto chain = [](unsigned count) {
    Frame frame = Testbed::From6('a', 'b');
    for (unsigned i = 0; i < count; ++i) frame.Extension(IPPROTO_DSTOPTS);
    return frame.Udp(1, 2).bytes();
  };
  EXPECT_EQ(outcome6(chain(8), 1000), DropReason::kNone);
  EXPECT_EQ(outcome6(chain(9), 1000), DropReason::kIcmpMalformed);
  EXPECT_EQ(outcome6(Testbed::From6('a', 'b')
                         .Extension(IPPROTO_DSTOPTS)
                         .Udp(1, 2)
                         .Set8(kEther + 41, 255)
                         .bytes(),
                     1000),
            DropReason::kIcmpMalformed);
  Frame fragment = Testbed::From6('a', 'b').Extension(IPPROTO_FRAGMENT).Udp(1, 2);
  EXPECT_EQ(outcome6(fragment.bytes(), 1000), DropReason::kNone);
  EXPECT_EQ(outcome6(fragment.Set16(kEther + 42, 0x0008).bytes(), 1000),
            DropReason::kIcmpUnrelated);
}

TEST(Related, AQuoteInTheSecondBufferIsNotRead) {
  Testbed bed;
  const Bytes udp = Testbed::From('a', 'b').Udp(1, 2).bytes();
  ASSERT_EQ(bed.Deliver('a', udp), "b");
  const Bytes error = Testbed::From('b', 'a').Icmp(kUnreachable, 3, Quote(udp)).bytes();
  for (size_t first = kEther + 28; first < error.size(); ++first) {
    bed.SendSegments('b', error, first);
    bed.Turn();
  }
  EXPECT_EQ(bed.Drops('b', DropReason::kHeaderSplit), error.size() - (kEther + 28));
}

}  // namespace
}  // namespace sluice::test
