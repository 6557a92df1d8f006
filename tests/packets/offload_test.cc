// Checksums and segmentation that senders left undone: passed on, done here, or refused.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <random>

#include "tests/support/seed.h"
#include "tests/support/testbed.h"
#include "tests/support/wire.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kOffloadChecksum;
using dataplane::kOffloadTcp4;
using dataplane::kOffloadTcp6;
using dataplane::kOffloadUdp;
using dataplane::kTcpAck;
using dataplane::kTcpFin;
using dataplane::kTcpRst;
using dataplane::kTcpSyn;
using dataplane::MacAddress;

constexpr dataplane::Offloads kAll = kOffloadChecksum | kOffloadTcp4 | kOffloadTcp6 | kOffloadUdp;
constexpr size_t kIp = 14;
constexpr uint8_t kPsh = 0x08, kCwr = 0x80;
constexpr MacAddress kGroup{{0x01, 0x00, 0x5e, 0, 0, 1}};

std::string Text(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

Frame Between(int family, char from, char to) {
  return family == 4 ? Testbed::From(from, to) : Testbed::From6(from, to);
}

size_t TcpOffset(int family) { return kIp + (family == 4 ? 20 : 40); }

// Sequence numbers as after a handshake that began with 0 on both sides.
Bytes Tcp(int family, char from, char to, uint16_t source, uint16_t destination, uint8_t flags,
          uint32_t seq, uint32_t ack, size_t size = 0) {
  const size_t tcp = TcpOffset(family);
  return Between(family, from, to)
      .Tcp(source, destination, flags, Text(size))
      .Set16(tcp + 4, static_cast<uint16_t>(seq >> 16))
      .Set16(tcp + 6, static_cast<uint16_t>(seq))
      .Set16(tcp + 8, static_cast<uint16_t>(ack >> 16))
      .Set16(tcp + 10, static_cast<uint16_t>(ack))
      .bytes();
}

void Open(Testbed& bed, int family, char from = 'a', char to = 'b') {
  bed.Deliver(from, Tcp(family, from, to, 1000, 80, kTcpSyn, 0, 0));
  bed.Deliver(to, Tcp(family, to, from, 80, 1000, kTcpSyn | kTcpAck, 0, 1));
  bed.Deliver(from, Tcp(family, from, to, 1000, 80, kTcpAck, 1, 1));
}

Bytes Large(int family, size_t size, uint8_t flags = kTcpAck) {
  return Tcp(family, 'a', 'b', 1000, 80, flags, 1, 1, size);
}

Bytes WithoutChecksum(Bytes frame) {
  const size_t at = Wire(frame).checksum_offset();
  frame[at] = 0x12;  // what is there is the sender's half of the work, or nonsense
  frame[at + 1] = 0x34;
  return frame;
}

DropReason Fate(Testbed& bed, const Bytes& frame, const Undone& undone) {
  std::array<uint64_t, dataplane::kDropReasonCount> before{};
  for (size_t i = 0; i < before.size(); ++i) before[i] = bed.Drops('a', DropReason(i));
  bed.SendUndone('a', frame, undone);
  bed.Turn();
  for (size_t i = 0; i < before.size(); ++i) {
    if (bed.Drops('a', DropReason(i)) != before[i]) return DropReason(i);
  }
  return DropReason::kNone;
}

class Families : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Offload, Families, testing::Values(4, 6));

TEST_P(Families, ALargeFramePassesWholeToAPeerThatTakesIt) {
  Testbed bed;
  bed.SetTakes('b', kAll);
  Open(bed, GetParam());
  const Bytes frame = WithoutChecksum(Large(GetParam(), 30000));
  bed.SendUndone('a', frame, {.segment = 1400});
  bed.Turn();
  const auto got = bed.ReceivedUndone('b');
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].frame, frame) << "nothing is computed for who does not need it";
  EXPECT_EQ(got[0].undone.segment, 1400);
  EXPECT_TRUE(got[0].undone.checksum);
}

TEST_P(Families, ALargeFrameArrivesInCorrectPiecesAtAPeerThatTakesNone) {
  for (const dataplane::Offloads takes :
       {dataplane::Offloads{0}, dataplane::Offloads{kOffloadChecksum}}) {
    Testbed bed;
    bed.SetTakes('b', takes);
    Open(bed, GetParam());
    const Bytes frame = WithoutChecksum(Large(GetParam(), 30000, kTcpAck | kTcpFin | kPsh | kCwr));
    bed.SendUndone('a', frame, {.segment = 1400});
    bed.Turn();
    const auto got = bed.ReceivedUndone('b');
    ASSERT_EQ(got.size(), 22u);
    Bytes joined;
    for (size_t i = 0; i < got.size(); ++i) {
      const Wire wire(got[i].frame);
      EXPECT_TRUE(wire.ChecksumsHold()) << i;
      EXPECT_FALSE(got[i].undone.checksum);
      EXPECT_EQ(wire.end(), got[i].frame.size());
      EXPECT_EQ(wire.seq(), 1 + i * 1400);
      const bool first = i == 0, last = i + 1 == got.size();
      EXPECT_EQ(wire.tcp().tcp_flags, kTcpAck | (last ? kTcpFin | kPsh : 0) | (first ? kCwr : 0));
      if (wire.v4()) {
        const uint16_t id = rte_be_to_cpu_16(Wire(frame).ip4().packet_id);
        EXPECT_EQ(rte_be_to_cpu_16(wire.ip4().packet_id), static_cast<uint16_t>(id + i));
      }
      const Bytes payload = wire.tcp_payload();
      joined.insert(joined.end(), payload.begin(), payload.end());
    }
    EXPECT_EQ(joined, Wire(frame).tcp_payload());
  }
}

// Its pieces do not fit into one buffer of 2 KiB.
TEST_P(Families, PiecesMayBeJumboFrames) {
  Testbed bed;
  bed.SetMtu('b', 9000);
  Open(bed, GetParam());
  const Bytes frame = WithoutChecksum(Large(GetParam(), 60000));
  bed.SendUndone('a', frame, {.segment = 8900});
  bed.Turn();
  const auto got = bed.Received('b');
  ASSERT_EQ(got.size(), 7u);
  for (const Bytes& piece : got) EXPECT_TRUE(Wire(piece).ChecksumsHold());
}

TEST_P(Families, APartialChecksumIsCompletedOnlyForWhoDoesNotTakeIt) {
  Testbed bed;
  const Bytes tcp = Tcp(GetParam(), 'a', 'b', 7, 8, kTcpSyn, 0, 0, 0);
  const Bytes udp = Between(GetParam(), 'a', 'b').Udp(7, 8, Text(1301)).bytes();
  for (const Bytes& whole : {tcp, udp}) {
    const Bytes partial = WithoutChecksum(whole);
    bed.SetTakes('b', 0);
    bed.SendUndone('a', partial, {.checksum = true});
    bed.Turn();
    auto got = bed.ReceivedUndone('b');
    ASSERT_EQ(got.size(), 1u);
    EXPECT_TRUE(Wire(got[0].frame).ChecksumsHold());
    EXPECT_FALSE(got[0].undone.checksum);

    bed.SetTakes('b', kOffloadChecksum);
    bed.SendUndone('a', partial, {.checksum = true});
    bed.Turn();
    got = bed.ReceivedUndone('b');
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].frame, partial);
    EXPECT_TRUE(got[0].undone.checksum);
  }
}

TEST(Offload, PaddingIsNoPartOfTheChecksum) {
  Testbed bed;
  Bytes frame = WithoutChecksum(Testbed::From('a', 'b').Udp(7, 8, "x").bytes());
  frame.resize(60, 0xee);
  bed.SendUndone('a', frame, {.checksum = true});
  bed.Turn();
  const auto got = bed.Received('b');
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].size(), 60u);
  EXPECT_TRUE(Wire(got[0]).ChecksumsHold());
}

// 0 in a UDP header says "no checksum"; a sum of 0 is written as 0xffff.
TEST(Offload, AUdpSumOfZeroIsWrittenAsAllOnes) {
  Testbed bed;
  Bytes frame = Testbed::From('a', 'b').Udp(7, 8, std::string(2, '\0')).bytes();
  const size_t at = Wire(frame).checksum_offset();
  std::copy_n(frame.begin() + static_cast<ptrdiff_t>(at), 2, frame.end() - 2);  // makes the sum 0
  bed.SendUndone('a', WithoutChecksum(frame), {.checksum = true});
  bed.Turn();
  const auto got = bed.Received('b');
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0][at], 0xff);
  EXPECT_EQ(got[0][at + 1], 0xff);
}

// The naive twin: bit by bit, RFC 9260 appendix A.
uint32_t Crc32c(const uint8_t* data, size_t size) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

TEST_P(Families, AnSctpChecksumIsCompletedForAllPeers) {
  Testbed bed;
  bed.SetTakes('b', kAll);
  Bytes frame = Between(GetParam(), 'a', 'b').Sctp(7, 8).bytes();
  const size_t sctp = TcpOffset(GetParam());
  bed.SendUndone('a', frame, {.checksum = true});
  bed.Turn();
  const auto got = bed.ReceivedUndone('b');
  if (got.empty()) GTEST_SKIP() << "no such SCTP packet passes the tracker";
  EXPECT_FALSE(got[0].undone.checksum);
  const uint32_t crc = Crc32c(&frame[sctp], frame.size() - sctp);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(got[0].frame[sctp + 8 + static_cast<size_t>(i)],
              static_cast<uint8_t>(crc >> (8 * i)));
  }
}

TEST(Offload, IPv6ExtensionHeadersAreRepeatedOnEveryPieceAndNeverLeftToAPeer) {
  Testbed bed;
  bed.SetTakes('b', kAll);
  Open(bed, 6);
  const Bytes frame = Testbed::From6('a', 'b')
                          .Extension(IPPROTO_DSTOPTS, 2)
                          .Tcp(1000, 80, kTcpAck, Text(3000))
                          .Set16(kIp + 56 + 6, 1)
                          .Set16(kIp + 56 + 10, 1)
                          .bytes();
  bed.SendUndone('a', frame, {.segment = 1000});
  bed.Turn();
  const auto got = bed.ReceivedUndone('b');
  ASSERT_EQ(got.size(), 3u);
  for (const auto& [piece, undone] : got) {
    EXPECT_EQ(piece.size(), kIp + 40 + 16 + 20 + 1000);
    EXPECT_FALSE(undone.checksum);
    Bytes plain = piece;  // without the extension the verifier understands it
    plain.erase(plain.begin() + kIp + 40, plain.begin() + kIp + 56);
    plain[kIp + 6] = IPPROTO_TCP;
    plain[kIp + 4] = (20 + 1000) >> 8;
    plain[kIp + 5] = static_cast<uint8_t>(20 + 1000);
    EXPECT_TRUE(Wire(plain).ChecksumsHold());
  }
}

TEST(Offload, ALargeDatagramArrivesInFragmentsThatAddUp) {
  Testbed bed;
  const Bytes frame = WithoutChecksum(Testbed::From('a', 'b').Udp(7, 8, Text(5000)).bytes());
  bed.SendUndone('a', frame, {.segment = 1483});  // rounded down to 1480
  bed.Turn();
  const auto got = bed.Received('b');
  ASSERT_EQ(got.size(), 4u);
  Bytes joined(got[0].begin(), got[0].begin() + kIp + 20);
  for (size_t i = 0; i < got.size(); ++i) {
    const rte_ipv4_hdr& ip = Wire(got[i]).ip4();
    EXPECT_EQ(rte_raw_cksum(&ip, sizeof(ip)), 0xffff);
    const uint16_t field = rte_be_to_cpu_16(ip.fragment_offset);
    EXPECT_EQ(field & RTE_IPV4_HDR_OFFSET_MASK, i * 1480 / 8);
    EXPECT_EQ((field & RTE_IPV4_HDR_MF_FLAG) != 0, i + 1 < got.size());
    EXPECT_EQ(ip.packet_id, Wire(frame).ip4().packet_id);
    EXPECT_EQ(Wire(got[i]).end(), got[i].size());
    joined.insert(joined.end(), got[i].begin() + kIp + 20, got[i].end());
  }
  ASSERT_EQ(joined.size(), frame.size());
  auto* ip = reinterpret_cast<rte_ipv4_hdr*>(&joined[kIp]);
  ip->total_length = Wire(frame).ip4().total_length;
  ip->fragment_offset = 0;
  ip->hdr_checksum = 0;
  ip->hdr_checksum = rte_ipv4_cksum(ip);
  EXPECT_TRUE(Wire(joined).ChecksumsHold());
}

TEST(Offload, ALargeDatagramPassesWholeToAPeerThatTakesItAndOverIPv6OnlyThere) {
  Testbed bed;
  for (const int family : {4, 6}) {
    const Bytes frame = Between(family, 'a', 'b').Udp(7, 8, Text(5000)).bytes();
    bed.SetTakes('b', kAll);
    EXPECT_EQ(Fate(bed, frame, {.segment = 1400}), DropReason::kNone);
    const auto got = bed.ReceivedUndone('b');
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].undone.segment, 1400);
  }
  bed.SetTakes('b', kOffloadChecksum);
  EXPECT_EQ(Fate(bed, Testbed::From6('a', 'b').Udp(7, 8, Text(5000)).bytes(), {.segment = 1400}),
            DropReason::kOffloadUnsupported);
}

// Every receiver has the same buffer; what is done for one must not show at another.
TEST(Offload, AFloodedPartialChecksumIsCompletedInACopy) {
  Testbed bed({.pods = "abcd"});
  bed.SetTakes('b', kAll);
  bed.SetTakes('d', kAll);
  const Bytes frame = WithoutChecksum(Frame()
                                          .Ether(Testbed::Mac('a'), kGroup)
                                          .Ip("10.0.0.1", "239.1.1.1")
                                          .Udp(7, 8, Text(900))
                                          .bytes());
  bed.SendUndone('a', frame, {.checksum = true});
  bed.Turn();
  for (const char pod : {'b', 'c', 'd'}) {
    const auto got = bed.ReceivedUndone(pod);
    ASSERT_EQ(got.size(), 1u) << pod;
    EXPECT_EQ(got[0].undone.checksum, pod != 'c');
    if (pod == 'c') {
      EXPECT_TRUE(Wire(got[0].frame).ChecksumsHold());
    } else {
      EXPECT_EQ(got[0].frame, frame);
    }
  }
}

TEST(Offload, WhatNoHonestSenderAsksForDies) {
  struct Case {
    const char* what;
    Bytes frame;
    Undone undone;
  };
  const Case cases[] = {
      {"pieces of 1 byte", Large(4, 3000), {.segment = 1}},
      {"pieces of 7 bytes", Large(4, 100), {.segment = 7}},
      {"fragments of 7 bytes",
       Testbed::From('a', 'b').Udp(7, 8, Text(100)).bytes(),
       {.segment = 7}},
      {"257 pieces", Large(4, 256 * 100 + 1), {.segment = 100}},
      {"a SYN to be cut", Large(4, 3000, kTcpSyn), {.segment = 1000}},
      {"a RST to be cut", Large(4, 3000, kTcpRst | kTcpAck), {.segment = 1000}},
      {"urgent data to be cut", Large(4, 3000, kTcpAck | 0x20), {.segment = 1000}},
      {"ICMP to be cut", Testbed::From('a', 'b').Echo(true, 1).bytes(), {.segment = 1000}},
      {"ICMP with a transport checksum",
       Testbed::From('a', 'b').Echo(true, 1).bytes(),
       {.checksum = true}},
      {"SCTP to be cut", Testbed::From('a', 'b').Sctp(7, 8).bytes(), {.segment = 1000}},
      {"an unknown protocol",
       Testbed::From('a', 'b').Protocol(200, Text(50)).bytes(),
       {.checksum = true}},
      {"ARP",
       Frame()
           .Ether(Testbed::Mac('a'), {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})
           .Arp(1, Testbed::Mac('a'), "10.0.0.1", "10.0.0.2")
           .bytes(),
       {.checksum = true}},
      {"a fragment's share of a checksum",
       Testbed::From('a', 'b').Udp(7, 8, Text(40)).Set16(kIp + 6, 0x2000).bytes(),
       {.checksum = true}},
      {"headers beyond what a buffer can say",
       Testbed::From6('a', 'b').Extension(IPPROTO_DSTOPTS, 60).Udp(7, 8, Text(9)).bytes(),
       {.checksum = true}},
  };
  Testbed bed;
  Open(bed, 4);
  for (const dataplane::Offloads takes : {dataplane::Offloads{0}, kAll}) {
    bed.SetTakes('b', takes);
    for (const Case& c : cases) {
      EXPECT_STREQ(DropReasonName(Fate(bed, c.frame, c.undone)), "offload_malformed") << c.what;
    }
  }
}

TEST(Offload, ARequestWithNothingToCutIsAPlainPacket) {
  Testbed bed;
  bed.SetTakes('b', kOffloadChecksum);
  Open(bed, 4);
  bed.SendUndone('a', WithoutChecksum(Large(4, 1000)), {.segment = 1000});
  bed.Turn();
  const auto got = bed.ReceivedUndone('b');
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].undone.segment, 0);
}

TEST(Offload, WhatIsLargerThanTheMtuOfItsWayOutDies) {
  Testbed bed({.pods = "abc"});
  bed.SetTakes('b', kAll);
  Open(bed, 4);
  const auto udp = [](size_t ip) {
    return Testbed::From('a', 'b').Udp(7, 8, Text(ip - 28)).bytes();
  };
  EXPECT_EQ(Fate(bed, udp(1500), {}), DropReason::kNone);
  EXPECT_EQ(Fate(bed, udp(1501), {}), DropReason::kTooBig);
  EXPECT_EQ(Fate(bed, Large(4, 20000), {.segment = 1460}), DropReason::kNone);
  EXPECT_EQ(Fate(bed, Large(4, 20000), {.segment = 1461}), DropReason::kTooBig)
      << "a peer that takes it whole is told of pieces that do not fit";
  EXPECT_EQ(Fate(bed, Large(4, 20000), {}), DropReason::kTooBig) << "nothing says how to cut it";
  bed.SetMtu('b', 9000);
  EXPECT_EQ(Fate(bed, udp(9000), {}), DropReason::kNone);
  EXPECT_EQ(Fate(bed, udp(9001), {}), DropReason::kTooBig);

  bed.SetMtu('b', 1500);
  bed.SetMtu('c', 9000);
  const Bytes flooded = Frame()
                            .Ether(Testbed::Mac('a'), kGroup)
                            .Ip("10.0.0.1", "239.1.1.1")
                            .Udp(7, 8, Text(3000))
                            .bytes();
  for (const char pod : {'b', 'c'}) bed.Received(pod);
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Udp(1, 1).bytes()), "b");
  bed.SendUndone('a', flooded, {});
  bed.Turn();
  EXPECT_TRUE(bed.Received('b').empty());
  EXPECT_EQ(bed.Received('c').size(), 1u);
}

// Whatever a peer's ring says, buffers come back and nothing is touched that is not the packet's.
TEST(Offload, RandomRequestsOverRandomPacketsLoseNoBuffer) {
  std::mt19937 random(Seed());
  Testbed bed({.pods = "abc", .fragments = {.held_segments = 0}});  // none waits
  Open(bed, 4);
  Open(bed, 6);
  for (int round = 0; round < 3000; ++round) {
    bed.SetTakes('b', static_cast<dataplane::Offloads>(random() % 16));
    const int family = random() % 2 == 0 ? 4 : 6;
    const size_t size = random() % 4 == 0 ? random() % 60000 : random() % 3000;
    Bytes frame;
    switch (random() % 4) {
      case 0:
        frame = Between(family, 'a', 'b').Udp(7, 8, Text(size)).bytes();
        break;
      case 1:
        frame = Between(family, 'a', 'b').Sctp(7, 8).bytes();
        break;
      case 2:
        frame = Between(family, 'a', 'b')
                    .Protocol(static_cast<uint8_t>(random()), Text(size % 99))
                    .bytes();
        break;
      default:
        frame = Large(family, size);
    }
    for (unsigned flips = random() % 3; flips != 0; --flips) {
      frame[random() % std::min<size_t>(frame.size(), 80)] ^= static_cast<uint8_t>(random());
    }
    if (random() % 3 == 0)
      frame.resize(frame.size() - random() % std::min<size_t>(frame.size(), 40));
    const Undone undone{random() % 2 == 0,
                        static_cast<uint16_t>(random() % 3 == 0 ? random() % 12 : random())};
    bed.SendUndone('a', frame, undone);
    bed.Turn();
    for (const auto& got : bed.ReceivedUndone('b')) {
      if (got.undone.checksum || (!undone.checksum && undone.segment == 0)) continue;
      ASSERT_LE(got.frame.size(), std::max<size_t>(1514, frame.size()));
    }
    for (const char port : {'a', 'c'}) bed.Received(port);
    ASSERT_EQ(bed.BuffersInUse(), 0u);
  }
}

}  // namespace
}  // namespace sluice::test
