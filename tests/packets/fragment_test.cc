// Fragments: first and later ones share a verdict, in whatever order they come; what is not a
// proper datagram dies under its reason; what waits is bounded, ages, and is given back.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>

#include "tests/support/cut.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpFin;
using dataplane::kTcpSyn;
using dataplane::MacAddress;

const MacAddress kGroup{{0x01, 0x00, 0x5e, 0, 0, 5}};
const MacAddress kGroup6{{0x33, 0x33, 0, 0, 0, 1}};
const std::string kData(1000, 'x');
constexpr int kFamilies[] = {4, 6};

Frame Between(int family, char from, char to) {
  return family == 4 ? Testbed::From(from, to) : Testbed::From6(from, to);
}
// 1,008 bytes of IP payload.
Bytes Datagram(int family, uint16_t port, char from = 'a', char to = 'b') {
  return Between(family, from, to).Udp(1, port, kData).bytes();
}
acl::NetworkPolicy OnlyUdp53() {
  acl::NetworkPolicy policy = Isolate("dns", "b", {"Ingress"});
  policy.ingress = {Admit("", "UDP", 53)};
  return policy;
}

// Each in a turn of its own; how many came out at b.
size_t Deliver(Testbed& bed, char port, const std::vector<Bytes>& frames) {
  for (const Bytes& frame : frames) {
    bed.Send(port, frame);
    bed.Turn();
  }
  return bed.Received('b').size();
}

TEST(Fragment, AllPassInEveryOrderWhenTheDatagramMay) {
  for (const int family : kFamilies) {
    Testbed bed;
    bed.Apply({OnlyUdp53()});
    std::vector<Bytes> pieces = Cut(Datagram(family, 53), 1, 256);
    ASSERT_EQ(pieces.size(), 4u);
    std::sort(pieces.begin(), pieces.end());
    const std::vector<Bytes> sorted = pieces;
    do {
      for (const Bytes& piece : pieces) bed.Send('a', piece);
      bed.Turn();
      std::vector<Bytes> got = bed.Received('b');
      std::sort(got.begin(), got.end());
      EXPECT_EQ(got, sorted) << "IPv" << family << ", one burst";
      EXPECT_EQ(Deliver(bed, 'a', pieces), 4u) << "IPv" << family << ", a burst each";
    } while (std::next_permutation(pieces.begin(), pieces.end()));
    EXPECT_EQ(bed.Drops('a'), 0u);
    EXPECT_EQ(bed.connections(), 1u);
  }
}

TEST(Fragment, NonePassesInAnyOrderWhenTheDatagramMayNot) {
  for (const int family : kFamilies) {
    Testbed bed;
    bed.Apply({OnlyUdp53()});
    std::vector<Bytes> pieces = Cut(Datagram(family, 80), 1, 256);
    std::sort(pieces.begin(), pieces.end());
    uint32_t identification = 1;
    uint64_t sent = 0;
    do {
      std::vector<Bytes> renamed = pieces;
      ++identification;
      for (Bytes& piece : renamed) {
        piece[family == 4 ? 19 : 14 + 40 + 7] = static_cast<uint8_t>(identification);
      }
      EXPECT_EQ(Deliver(bed, 'a', renamed), 0u);
      sent += renamed.size();
    } while (std::next_permutation(pieces.begin(), pieces.end()));
    EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress), sent) << "IPv" << family;
    EXPECT_EQ(bed.BuffersInUse(), 0u);
    EXPECT_EQ(bed.connections(), 0u);
  }
}

TEST(Fragment, EgressOfTheSenderHoldsForAllOfThem) {
  Testbed bed;
  bed.Apply({Isolate("a", "a", {"Egress"})});
  std::vector<Bytes> pieces = Cut(Datagram(4, 53), 1, 256);
  std::reverse(pieces.begin(), pieces.end());
  EXPECT_EQ(Deliver(bed, 'a', pieces), 0u);
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyEgress), 4u);
}

// Before the first one nothing is known of its ports, and nothing passes.
TEST(Fragment, LaterOnesWithoutAFirstWaitAndDie) {
  for (const int family : kFamilies) {
    Testbed bed;
    std::vector<Bytes> pieces = Cut(Datagram(family, 53), 1, 256);
    pieces.erase(pieces.begin());
    EXPECT_EQ(Deliver(bed, 'a', pieces), 0u);
    EXPECT_EQ(bed.BuffersInUse(), 3u);
    EXPECT_EQ(bed.Drops('a'), 0u);
    bed.Advance(29'999);
    bed.Turn();
    EXPECT_EQ(bed.BuffersInUse(), 3u);
    bed.Advance(1);
    bed.Turn();
    EXPECT_EQ(bed.Drops('a', DropReason::kFragmentTimeout), 3u);
    EXPECT_EQ(bed.BuffersInUse(), 0u);
  }
}

// The store forgets a first one too: what comes after its time waits for another.
TEST(Fragment, AFirstOneIsForgottenAfterTheTimeout) {
  Testbed bed({.fragments = {.timeout_ms = 1000}});
  const std::vector<Bytes> pieces = Cut(Datagram(4, 53), 1, 256);
  EXPECT_EQ(Deliver(bed, 'a', {pieces[0]}), 1u);
  bed.Advance(1000);
  bed.Turn();
  EXPECT_EQ(Deliver(bed, 'a', {pieces[1]}), 0u);
  EXPECT_EQ(bed.BuffersInUse(), 1u);
}

TEST(Fragment, AnOverlapDoomsTheDatagram) {
  const Slice overlaps[] = {
      {8, 256, true},     // begins inside the first
      {248, 16, true},    // across the first one's end
      {0, 248, true},     // the first once more, shorter
      {0, 264, true},     // and longer
      {64, 8, false},     // an end inside what was seen
      {512, 496, true},   // the last once more, but not the last
      {1008, 8, true},    // behind the end
      {1000, 16, false},  // another end
      {760, 8, false},    // an end before the end
  };
  for (const int family : kFamilies) {
    for (const Slice& slice : overlaps) {
      const std::string what = "IPv" + std::to_string(family) + " " + std::to_string(slice.offset) +
                               "+" + std::to_string(slice.length);
      Testbed bed;
      const Bytes datagram = Datagram(family, 53);
      const Bytes first = CutOne(datagram, 1, {0, 256, true});
      const Bytes last = CutOne(datagram, 1, {512, 496, false});
      const Bytes middle = CutOne(datagram, 1, {256, 256, true});
      EXPECT_EQ(Deliver(bed, 'a', {first, last}), 2u);
      EXPECT_EQ(bed.LastDrop('a', CutOne(datagram, 1, slice)), DropReason::kFragmentOverlap)
          << what;
      EXPECT_EQ(bed.LastDrop('a', middle), DropReason::kFragmentOverlap) << what;
      EXPECT_EQ(bed.LastDrop('a', first), DropReason::kFragmentOverlap) << what;
    }
  }
}

TEST(Fragment, AnOverlapAmongThoseThatWaitKillsThemAll) {
  for (const int family : kFamilies) {
    Testbed bed;
    const Bytes datagram = Datagram(family, 53);
    EXPECT_EQ(
        Deliver(bed, 'a',
                {CutOne(datagram, 1, {512, 496, false}), CutOne(datagram, 1, {256, 256, true})}),
        0u);
    EXPECT_EQ(bed.BuffersInUse(), 2u);
    EXPECT_EQ(Deliver(bed, 'a', {CutOne(datagram, 1, {264, 248, true})}), 0u);
    EXPECT_EQ(bed.Drops('a', DropReason::kFragmentOverlap), 3u);
    EXPECT_EQ(bed.BuffersInUse(), 0u);
    EXPECT_EQ(Deliver(bed, 'a', Cut(datagram, 1, 256)), 0u) << "it stays dead";
    EXPECT_EQ(Deliver(bed, 'a', Cut(datagram, 2, 256)), 4u) << "its neighbour lives";
  }
}

TEST(Fragment, AnEndBeforeWhatWaitsDoomsTheDatagram) {
  Testbed bed;
  const Bytes datagram = Datagram(4, 53);
  EXPECT_EQ(Deliver(bed, 'a', {CutOne(datagram, 1, {512, 496, true})}), 0u);
  EXPECT_EQ(bed.LastDrop('a', CutOne(datagram, 1, {256, 256, false})),
            DropReason::kFragmentOverlap);
}

TEST(Fragment, AnExactCopyDiesAlone) {
  for (const int family : kFamilies) {
    Testbed bed;
    const std::vector<Bytes> pieces = Cut(Datagram(family, 53), 1, 256);
    EXPECT_EQ(Deliver(bed, 'a',
                      {pieces[2], pieces[2], pieces[0], pieces[0], pieces[2], pieces[3], pieces[3],
                       pieces[1]}),
              4u);
    EXPECT_EQ(bed.Drops('a', DropReason::kFragmentDuplicate), 4u);
    EXPECT_EQ(bed.Drops('a'), 4u);
  }
}

// RFC 1858, RFC 7112: ports and flags must not hide in a second fragment.
TEST(Fragment, AFirstOneWithoutItsTransportHeaderDies) {
  const std::pair<const char*, Bytes> headers[] = {
      {"TCP ports only", Testbed::From('a', 'b').Tcp(1, 2, kTcpSyn, kData).bytes()},
      {"TCP ports only, IPv6", Testbed::From6('a', 'b').Tcp(1, 2, kTcpSyn, kData).bytes()},
      {"SCTP without tag", Testbed::From('a', 'b').Sctp(1, 2).bytes()},
  };
  for (const auto& [what, datagram] : headers) {
    Testbed bed;
    EXPECT_EQ(bed.LastDrop('a', CutOne(datagram, 1, {0, 8, true})), DropReason::kFragmentTiny)
        << what;
    EXPECT_EQ(Deliver(bed, 'a', {CutOne(datagram, 1, {8, 64, false})}), 0u) << what;
  }
  Testbed bed;
  const Bytes options =
      Testbed::From('a', 'b').Tcp(1, 2, kTcpSyn, kData).Set8(14 + 20 + 12, 0xf0).bytes();
  EXPECT_EQ(bed.LastDrop('a', CutOne(options, 1, {0, 56, true})), DropReason::kFragmentTiny);
  EXPECT_EQ(bed.Deliver('a', CutOne(options, 1, {0, 64, true})), "b");
  EXPECT_EQ(bed.Deliver('a', CutOne(Datagram(4, 53), 2, {0, 8, true})), "b") << "all of UDP's";
  const Bytes chain =
      Testbed::From6('a', 'b').Extension(IPPROTO_DSTOPTS, 4).Udp(1, 2, kData).bytes();
  EXPECT_EQ(bed.LastDrop('a', CutOne(chain, 3, {0, 8, true})), DropReason::kFragmentTiny);
  EXPECT_EQ(bed.LastDrop('a', CutOne(chain, 3, {0, 32, true})), DropReason::kFragmentTiny);
  EXPECT_EQ(bed.Deliver('a', CutOne(chain, 3, {0, 40, true})), "b");
}

TEST(Fragment, ALengthThatNoDatagramIsCutToDies) {
  for (const int family : kFamilies) {
    Testbed bed;
    const Bytes datagram = Datagram(family, 53);
    const std::pair<const char*, Slice> wrong[] = {
        {"not a multiple of 8", {0, 255, true}},
        {"not a multiple of 8, later", {256, 100, true}},
        {"empty first", {0, 0, true}},
        {"empty last", {256, 0, false}},
        {"beyond 65,535 bytes", {65528, 8, false}},
        {"far beyond", {65528, 1000, false}},
    };
    for (const auto& [what, slice] : wrong) {
      EXPECT_EQ(bed.LastDrop('a', CutOne(datagram, 1, slice)), DropReason::kFragmentMalformed)
          << "IPv" << family << " " << what;
    }
    EXPECT_EQ(bed.BuffersInUse(), 0u);
  }
}

TEST(Fragment, TheLargestDatagramPasses) {
  for (const int family : kFamilies) {
    Testbed bed;
    Bytes frame = Datagram(family, 53);
    const size_t payload = family == 4 ? 65'535 - 20 : 65'535;
    const size_t length = family == 4 ? 1480 : 1448;
    std::vector<Bytes> pieces;
    for (size_t at = 0; at < payload; at += length) {
      const size_t piece = std::min(length, payload - at);
      pieces.push_back(CutOne(frame, 1, {at, piece, at + piece < payload}));
    }
    const size_t count = pieces.size();
    EXPECT_EQ(Deliver(bed, 'a', pieces), count);
    std::reverse(pieces.begin(), pieces.end());
    EXPECT_EQ(Deliver(bed, 'a', pieces), count) << "IPv" << family << " backwards";
    EXPECT_EQ(bed.Drops('a'), 0u);
  }
}

// RFC 6946.
TEST(Fragment, AnAtomicFragmentIsAWholePacket) {
  Testbed bed;
  const Bytes whole = Testbed::From6('a', 'b').Udp(1, 53, kData).bytes();
  const Bytes atomic = CutOne(whole, 1, {0, 1008, false});
  EXPECT_EQ(Deliver(bed, 'a', {atomic, atomic}), 2u) << "no copies of each other";
  const Bytes longer = CutOne(whole, 2, {0, 256, true});
  const Bytes same_name = CutOne(whole, 2, {0, 1008, false});
  EXPECT_EQ(Deliver(bed, 'a', {longer, same_name, CutOne(whole, 2, {256, 752, false})}), 3u)
      << "nor part of a datagram that has its identification";
  bed.Apply({OnlyUdp53()});
  EXPECT_EQ(bed.LastDrop('a', CutOne(Testbed::From6('a', 'b').Udp(1, 80, kData).bytes(), 1,
                                     {0, 1008, false})),
            DropReason::kPolicyIngress);
}

TEST(Fragment, TheFragmentHeaderMayStandAnywhereInTheChain) {
  Testbed bed;
  bed.Apply({OnlyUdp53()});
  for (const uint16_t port : {53, 80}) {
    const Bytes before =
        Testbed::From6('a', 'b').Extension(IPPROTO_HOPOPTS).Udp(1, port, kData).bytes();
    const Bytes after =
        Testbed::From6('a', 'b').Extension(IPPROTO_DSTOPTS, 3).Udp(1, port, kData).bytes();
    const Bytes both = Testbed::From6('a', 'b')
                           .Extension(IPPROTO_HOPOPTS)
                           .Extension(IPPROTO_DSTOPTS)
                           .Udp(1, port, kData)
                           .bytes();
    for (std::vector<Bytes> pieces :
         {Cut(before, port, 256, 8), Cut(after, port + 1u, 256), Cut(both, port + 2u, 256, 8)}) {
      std::reverse(pieces.begin(), pieces.end());
      EXPECT_EQ(Deliver(bed, 'a', pieces), port == 53 ? pieces.size() : 0u);
    }
  }
}

TEST(Fragment, TwoFragmentHeadersAreOneTooMany) {
  Testbed bed;
  const Bytes once = CutOne(Testbed::From6('a', 'b').Udp(1, 53).bytes(), 1, {0, 8, false});
  EXPECT_EQ(bed.Deliver('a', once), "b");
  const Bytes twice = CutOne(once, 1, {0, 16, false});
  EXPECT_EQ(bed.LastDrop('a', twice), DropReason::kIpv6Extension);
}

TEST(Fragment, AnIdentificationMayBeUsedAgainOnceTheDatagramIsComplete) {
  for (const int family : kFamilies) {
    Testbed bed;
    bed.Apply({OnlyUdp53()});
    for (int round = 0; round < 300; ++round) {
      EXPECT_EQ(Deliver(bed, 'a', Cut(Datagram(family, 53), 7, 504)), 2u);
    }
    EXPECT_EQ(Deliver(bed, 'a', Cut(Datagram(family, 80), 7, 504)), 0u);
    EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress), 2u) << "by its own ports";
  }
}

// The pair that a colluding pod would use: it takes the first fragment, the victim gets the rest.
TEST(Fragment, AFirstOneSentElsewhereOpensNothing) {
  for (const int family : kFamilies) {
    Testbed bed({.pods = "abc"});
    bed.Apply({Isolate("b", "b", {"Ingress"})});
    bed.SetGuard('c', false);  // c takes any address
    std::vector<Bytes> pieces = Cut(Datagram(family, 53), 1, 504);
    const MacAddress c = Testbed::Mac('c');
    std::copy(c.bytes.begin(), c.bytes.end(), pieces[0].begin());
    EXPECT_EQ(bed.Deliver('a', pieces[0]), "c");
    EXPECT_EQ(bed.Deliver('a', pieces[1]), "");
    EXPECT_EQ(bed.BuffersInUse(), 1u) << "it waits for a first one of b's";
    EXPECT_EQ(bed.LastDrop('a', Cut(Datagram(family, 53), 1, 504)[0]), DropReason::kPolicyIngress);
    EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress), 2u) << "and dies with that";
  }
}

TEST(Fragment, OtherSourcesProtocolsAndNumbersAreOtherDatagrams) {
  Testbed bed({.pods = "abc"});
  const std::vector<Bytes> ours = Cut(Datagram(4, 53), 1, 504);
  EXPECT_EQ(bed.Deliver('a', ours[0]), "b");
  EXPECT_EQ(bed.Deliver('c', Cut(Datagram(4, 53, 'c'), 1, 504)[1]), "") << "another source";
  EXPECT_EQ(bed.Deliver('a', Cut(Datagram(4, 53), 2, 504)[1]), "") << "another number";
  EXPECT_EQ(bed.Deliver('a', Cut(Testbed::From('a', 'b').Protocol(47, kData).bytes(), 1, 504)[1]),
            "")
      << "another protocol";
  EXPECT_EQ(bed.Deliver('a', Cut(Datagram(6, 53), 1, 504)[1]), "") << "another family";
  EXPECT_EQ(bed.Deliver('a', ours[1]), "b");
}

TEST(Fragment, OfOtherProtocolsAreJudgedByNumber) {
  Testbed bed;
  std::vector<Bytes> pieces = Cut(Testbed::From('a', 'b').Protocol(47, kData).bytes(), 1, 256);
  std::reverse(pieces.begin(), pieces.end());
  EXPECT_EQ(Deliver(bed, 'a', pieces), 4u);
  bed.Apply({OnlyUdp53()});
  EXPECT_EQ(Deliver(bed, 'a', pieces), 0u);
}

// `ping -s 4000`, there and back.
TEST(Fragment, EchoComesAndGoesInFragments) {
  for (const int family : kFamilies) {
    Testbed bed;
    bed.Apply({Isolate("a", "a", {"Ingress"})});
    const std::string body = std::string("\0\7\0\1", 4) + kData;
    const Bytes request = Between(family, 'a', 'b').Icmp(family == 4 ? 8 : 128, 0, body).bytes();
    const Bytes reply = Between(family, 'b', 'a').Icmp(family == 4 ? 0 : 129, 0, body).bytes();
    std::vector<Bytes> back = Cut(reply, 9, 256);
    EXPECT_EQ(bed.LastDrop('b', back[0]), DropReason::kIcmpNoRequest);
    EXPECT_EQ(Deliver(bed, 'a', Cut(request, 1, 256)), 4u);
    back = Cut(reply, 10, 256);
    std::reverse(back.begin(), back.end());
    for (const Bytes& piece : back) bed.Send('b', piece);
    bed.Turn();
    EXPECT_EQ(bed.Received('a').size(), back.size());
    EXPECT_EQ(bed.connections(), 1u);
  }
}

// Errors are short by RFC; neighbour discovery must not be cut (RFC 6980); MLD splits its reports.
TEST(Fragment, OfIcmpOnlyEchoIsCut) {
  Testbed bed;
  EXPECT_EQ(bed.LastDrop('a', Cut(Testbed::From('a', 'b').Icmp(3, 1, kData).bytes(), 1, 256)[0]),
            DropReason::kFragmentIcmp);
  EXPECT_EQ(bed.LastDrop('a', Cut(Testbed::From6('a', 'b').Icmp(2, 0, kData).bytes(), 1, 256)[0]),
            DropReason::kFragmentIcmp);
  const Bytes solicit = Testbed::From6('a', 'b').Neighbour(135, "fd00::2").bytes();
  EXPECT_EQ(bed.LastDrop('a', Cut(solicit, 2, 16)[0]), DropReason::kFragmentIcmp);
  EXPECT_EQ(bed.LastDrop('a', CutOne(solicit, 3, {0, 24, false})), DropReason::kFragmentIcmp)
      << "an atomic fragment header is one too";
  const Bytes report = Frame()
                           .Ether(Testbed::Mac('a'), kGroup6)
                           .Ip("fe80::ff:fe00:1", "ff02::16")
                           .Icmp(143, 0, kData)
                           .bytes();
  EXPECT_EQ(bed.LastDrop('a', Cut(report, 4, 256)[0]), DropReason::kFragmentIcmp);
}

// In any order they move the windows as the whole segment would: its last byte and its FIN may be
// acknowledged then, and not before.
TEST(Fragment, OfTcpMoveTheWindowAsTheWholeSegmentDoes) {
  for (const int family : kFamilies) {
    for (const bool backwards : {false, true}) {
      Testbed bed;
      auto a = [&](uint8_t flags, uint32_t seq, uint32_t ack, std::string_view data = "") {
        return Between(family, 'a', 'b').Seq(seq, ack).Tcp(9, 80, flags, data).bytes();
      };
      auto b = [&](uint8_t flags, uint32_t seq, uint32_t ack) {
        return Between(family, 'b', 'a').Seq(seq, ack).Tcp(80, 9, flags).bytes();
      };
      EXPECT_EQ(bed.Deliver('a', a(kTcpSyn, 100, 0)), "b");
      EXPECT_EQ(bed.Deliver('b', b(kTcpSyn | kTcpAck, 500, 101)), "a");
      EXPECT_EQ(bed.Deliver('a', a(kTcpAck, 101, 501)), "b");
      std::vector<Bytes> pieces = Cut(a(kTcpAck | kTcpFin, 101, 501, kData), 1, 256);
      if (backwards) std::reverse(pieces.begin(), pieces.end());
      const Bytes last = pieces.back();
      pieces.pop_back();
      Deliver(bed, 'a', pieces);
      EXPECT_EQ(bed.LastDrop('b', b(kTcpAck, 501, 1102)), DropReason::kTcpWindow);
      Deliver(bed, 'a', {last});
      EXPECT_EQ(bed.LastDrop('b', b(kTcpAck, 501, 1103)), DropReason::kTcpWindow);
      EXPECT_EQ(bed.Deliver('b', b(kTcpAck, 501, 1102)), "a");
      EXPECT_EQ(bed.Drops('a'), 0u);
      EXPECT_EQ(bed.connections(), 1u);
    }
  }
}

TEST(Fragment, OfTcpWithoutAConnectionDieTogether) {
  Testbed bed;
  std::vector<Bytes> pieces =
      Cut(Testbed::From('a', 'b').Tcp(9, 80, kTcpAck, kData).bytes(), 1, 256);
  const size_t count = pieces.size();
  std::reverse(pieces.begin(), pieces.end());
  EXPECT_EQ(Deliver(bed, 'a', pieces), 0u);
  EXPECT_EQ(bed.Drops('a', DropReason::kTcpNotSyn), count);
}

TEST(Fragment, ToAGroupAreJudgedForEachReceiver) {
  for (const bool backwards : {false, true}) {
    Testbed bed({.pods = "abcd"});
    acl::NetworkPolicy only = Isolate("c", "c", {"Ingress"});
    only.ingress = {Admit("", "UDP", 80)};
    bed.Apply({only, OnlyUdp53()});
    const Bytes datagram = Frame()
                               .Ether(Testbed::Mac('a'), kGroup)
                               .Ip("10.0.0.1", "224.0.0.5")
                               .Udp(5, 53, kData)
                               .bytes();
    std::vector<Bytes> pieces = Cut(datagram, 1, 256);
    if (backwards) std::reverse(pieces.begin(), pieces.end());
    EXPECT_EQ(Deliver(bed, 'a', pieces), pieces.size());
    EXPECT_EQ(bed.Received('c').size(), 0u);
    EXPECT_EQ(bed.Received('d').size(), pieces.size());
    EXPECT_EQ(bed.connections(), 0u);
  }
}

TEST(Fragment, TheGuardComesFirst) {
  Testbed bed;
  const Bytes spoofed = Frame()
                            .Ether(Testbed::Mac('a'), Testbed::Mac('b'))
                            .Ip("10.0.0.9", "10.0.0.2")
                            .Udp(1, 53, kData)
                            .bytes();
  for (const Bytes& piece : Cut(spoofed, 1, 256)) {
    EXPECT_EQ(bed.LastDrop('a', piece), DropReason::kGuardAddress);
  }
  EXPECT_EQ(bed.BuffersInUse(), 0u);
}

// A sum is over the whole datagram, and cutting what is cut already makes no sense.
TEST(Fragment, WithAnOffloadRequestDie) {
  for (const int family : kFamilies) {
    Testbed bed;
    for (const Undone& undone : {Undone{.checksum = true}, Undone{.segment = 100}}) {
      const uint64_t before = bed.Drops('a', DropReason::kOffloadMalformed);
      const Bytes tcp = Between(family, 'a', 'b').Tcp(1, 2, kTcpSyn, kData).bytes();
      for (const Bytes& piece : Cut(tcp, 1, 512)) bed.SendUndone('a', piece, undone);
      bed.Turn();
      EXPECT_EQ(bed.Drops('a', DropReason::kOffloadMalformed), before + 2);
    }
    EXPECT_EQ(bed.BuffersInUse(), 0u);
  }
}

TEST(Fragment, ANewPolicyHoldsForWhatIsOnItsWay) {
  Testbed bed;
  const std::vector<Bytes> pieces = Cut(Datagram(4, 80), 1, 256);
  EXPECT_EQ(Deliver(bed, 'a', {pieces[0], pieces[1]}), 2u);
  bed.Apply({OnlyUdp53()});
  EXPECT_EQ(bed.LastDrop('a', pieces[2]), DropReason::kPolicyIngress);
  bed.Apply({});
  const std::vector<Bytes> others = Cut(Datagram(4, 80), 2, 256);
  EXPECT_EQ(Deliver(bed, 'a', {others[3], others[2]}), 0u);
  bed.Apply({OnlyUdp53()});
  EXPECT_EQ(Deliver(bed, 'a', {others[0], others[1]}), 0u) << "judged when they come";
  EXPECT_EQ(bed.BuffersInUse(), 0u);
}

// A later one is judged as its first: what policy takes and gives back meanwhile is asked anew.
TEST(Fragment, ALaterOneOpensAConnectionThatIsGone) {
  const Bytes reply = Testbed::From('b', 'a').Udp(80, 1, kData).bytes();
  Testbed bed;
  const std::vector<Bytes> pieces = Cut(Datagram(4, 80), 1, 256);
  EXPECT_EQ(bed.Deliver('a', pieces[0]), "b");
  bed.Apply({Isolate("shut", "b", {"Ingress", "Egress"})});
  EXPECT_EQ(bed.LastDrop('b', reply), DropReason::kPolicyIngress) << "the connection is gone";
  bed.Apply({Isolate("no-egress", "b", {"Egress"})});
  EXPECT_EQ(bed.LastDrop('b', reply), DropReason::kPolicyEgress);
  EXPECT_EQ(bed.Deliver('a', pieces[1]), "b");
  EXPECT_EQ(bed.Deliver('b', reply), "a");
}

TEST(Fragment, TheRestOfADeniedOneStaysDeniedUnderItsReason) {
  Testbed bed;
  bed.Apply({OnlyUdp53()});
  const std::vector<Bytes> pieces = Cut(Datagram(4, 80), 1, 256);
  EXPECT_EQ(Deliver(bed, 'a', {pieces[3], pieces[0]}), 0u);
  bed.Apply({});
  EXPECT_EQ(bed.LastDrop('a', pieces[1]), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress), 3u);
}

TEST(FragmentStore, GivesBuffersBackWhenThePortGoes) {
  for (const bool replaced : {true, false}) {
    Testbed bed;
    const std::vector<Bytes> pieces = Cut(Datagram(4, 53), 1, 256);
    EXPECT_EQ(Deliver(bed, 'a', {pieces[1], pieces[2]}), 0u);
    EXPECT_EQ(bed.BuffersInUse(), 2u);
    if (replaced) {
      bed.Replace('a');
    } else {
      auto& ports = bed.next().ports;
      ports[1].in_use = false;  // a's
      bed.next().polled[0].erase(bed.next().polled[0].begin());
      bed.Publish();
    }
    bed.Turn();
    EXPECT_EQ(bed.BuffersInUse(), 0u);
    EXPECT_EQ(bed.Drops('a', DropReason::kFragmentTimeout), 2u);
  }
}

// What the pod that had the slot before sent is not the new one's.
TEST(FragmentStore, ASuccessorInheritsNothing) {
  Testbed bed;
  const std::vector<Bytes> pieces = Cut(Datagram(4, 53), 1, 504);
  EXPECT_EQ(Deliver(bed, 'a', {pieces[0]}), 1u);
  bed.Replace('a');
  EXPECT_EQ(Deliver(bed, 'a', {pieces[1]}), 0u);
  bed.Replace('b');
  EXPECT_EQ(Deliver(bed, 'a', {pieces[0]}), 1u) << "waits for the b that is gone";
}

TEST(FragmentStore, BoundsWhatWaitsOfAPort) {
  Testbed bed({.pods = "abc", .fragments = {.held_segments = 20}});
  const Bytes datagram = Datagram(4, 53);
  for (uint32_t id = 0; id < 1000; ++id) {
    bed.Send('a', CutOne(datagram, id, {256, 256, true}));
    bed.Turn();
    EXPECT_LE(bed.BuffersInUse(), 20u);
  }
  EXPECT_EQ(bed.Drops('a', DropReason::kFragmentLimit), 980u);
  EXPECT_EQ(Deliver(bed, 'a', {CutOne(datagram, 999, {0, 256, true})}), 2u) << "the newest stayed";
  std::vector<Bytes> others = Cut(Datagram(4, 53, 'c'), 1, 256);
  std::reverse(others.begin(), others.end());
  EXPECT_EQ(Deliver(bed, 'c', others), 4u) << "another pod has its own room";
}

TEST(FragmentStore, BoundsWhatWaitsOfAllPortsAndLeavesRoomForTheNext) {
  constexpr unsigned kMost = 64;
  Testbed bed({.pods = "abcdefghij", .fragments = {.held_segments = 1000, .held_by_all = kMost}});
  const std::string flooders = "acdfghij";
  for (const char flooder : flooders) {
    const unsigned before = bed.BuffersInUse();
    const Bytes datagram = Datagram(4, 53, flooder);
    for (uint32_t id = 0; id < 100; ++id) {
      EXPECT_EQ(Deliver(bed, flooder, {CutOne(datagram, id, {256, 256, true})}), 0u);
    }
    const unsigned left = kMost - std::min(kMost, before);
    EXPECT_EQ(bed.BuffersInUse() - before, std::max(left / 2, 8u)) << "half of what was left, or 8";
  }
  std::vector<Bytes> late = Cut(Datagram(4, 53, 'e'), 1, 256);
  std::reverse(late.begin(), late.end());
  EXPECT_EQ(Deliver(bed, 'e', late), late.size());
}

TEST(FragmentStore, OneDatagramMayNotWaitBeyondTheBound) {
  Testbed bed({.fragments = {.held_segments = 4}});
  const Bytes datagram = Datagram(4, 53);
  for (size_t at = 64; at < 64 + 6 * 8; at += 8) {
    bed.Send('a', CutOne(datagram, 1, {at, 8, true}));
  }
  bed.Turn();
  EXPECT_EQ(bed.BuffersInUse(), 4u);
  EXPECT_EQ(bed.Drops('a', DropReason::kFragmentLimit), 2u);
  EXPECT_EQ(Deliver(bed, 'a', {CutOne(datagram, 1, {0, 64, true})}), 5u);
}

TEST(FragmentStore, CountsTheSegmentsOfWhatWaits) {
  Testbed bed({.fragments = {.held_segments = 4}});
  const Bytes datagram = Datagram(4, 53);
  for (uint32_t id = 0; id < 5; ++id) {
    bed.SendSegments('a', CutOne(datagram, id, {256, 256, true}), 100);
    bed.Turn();
  }
  EXPECT_EQ(bed.BuffersInUse(), 4u);
  EXPECT_EQ(Deliver(bed, 'a', {CutOne(datagram, 4, {0, 256, true})}), 2u);
}

TEST(FragmentStore, BoundsTheDatagramsOfAPort) {
  Testbed bed({.pods = "abc"});
  EXPECT_EQ(Deliver(bed, 'c', {Cut(Datagram(4, 53, 'c'), 1, 504)[0]}), 1u);
  const Bytes datagram = Datagram(4, 53);
  constexpr uint32_t kDatagrams = 1000;
  for (uint32_t id = 0; id < kDatagrams; ++id) {
    EXPECT_EQ(Deliver(bed, 'a', {CutOne(datagram, id, {0, 504, true})}), 1u);
  }
  const Slice rest{504, 504, false};
  EXPECT_EQ(bed.Deliver('a', CutOne(datagram, kDatagrams - 1, rest)), "b");
  EXPECT_EQ(bed.Deliver('a', CutOne(datagram, kDatagrams - dataplane::kMaxDatagrams, rest)), "b");
  EXPECT_EQ(bed.Deliver('a', CutOne(datagram, 0, rest)), "") << "pushed out by a's own";
  EXPECT_EQ(bed.Deliver('c', Cut(Datagram(4, 53, 'c'), 1, 504)[1]), "b") << "c's is still there";
}

TEST(FragmentStore, BoundsTheFragmentsOfADatagram) {
  Testbed bed;
  const Bytes datagram = Datagram(4, 53);
  for (size_t i = 0; i < dataplane::kMaxPieces; ++i) {
    EXPECT_EQ(bed.Deliver('a', CutOne(datagram, 1, {i * 8, 8, true})), "b");
  }
  EXPECT_EQ(bed.LastDrop('a', CutOne(datagram, 1, {dataplane::kMaxPieces * 8, 8, true})),
            DropReason::kFragmentLimit);
}

// A port that another worker polls from now on loses what is on its way, and no buffer.
TEST(FragmentStore, APortMayMoveToAnotherWorker) {
  Testbed bed({.pods = "ab", .workers = 2});
  std::vector<Bytes> pieces = Cut(Datagram(4, 53), 1, 504);
  EXPECT_EQ(Deliver(bed, 'a', {pieces[1]}), 0u);
  std::swap(bed.next().polled[0], bed.next().polled[1]);
  bed.Publish();
  EXPECT_EQ(Deliver(bed, 'a', {pieces[0]}), 1u);
  EXPECT_EQ(Deliver(bed, 'a', Cut(Datagram(4, 53), 2, 504)), 2u);
  bed.Advance(30'000);
  bed.Turn();
  EXPECT_EQ(bed.BuffersInUse(), 0u);
}

// Testbed's destructor counts the buffers.
TEST(FragmentStore, GivesBuffersBackAtTheEnd) {
  Testbed bed;
  EXPECT_EQ(Deliver(bed, 'a', {Cut(Datagram(4, 53), 1, 504)[1]}), 0u);
  EXPECT_EQ(bed.BuffersInUse(), 1u);
}

}  // namespace
}  // namespace sluice::test
