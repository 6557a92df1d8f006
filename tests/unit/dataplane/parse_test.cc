// The parser on hostile lengths: every prefix of every kind of frame, in a heap buffer of exactly
// that size, so that AddressSanitizer sees a read one byte too far (it cannot see into mempools).
#include "dataplane/parse.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstdlib>

#include "tests/support/exact_mbuf.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::Packet;
using dataplane::PacketKind;

Packet ParseExact(const Bytes& frame) {
  ExactMbuf buffer(frame);
  Packet packet;
  packet.mbuf = buffer.get();
  dataplane::ParsePacket(packet);
  if (packet.alive() && packet.kind == PacketKind::kNeighbour) {
    dataplane::NeighbourTarget(packet);
    unsigned sum = 0;
    for (const uint8_t byte : dataplane::NeighbourOptions(packet)) sum += byte;
    EXPECT_LT(sum, 256u * 64u);
  }
  packet.mbuf = nullptr;
  return packet;
}

Frame V4() { return Testbed::From('a', 'b'); }
Frame V6() { return Testbed::From6('a', 'b'); }

struct Sample {
  const char* what;
  Bytes frame;
};

std::vector<Sample> Samples() {
  const std::string data(32, 'x');
  return {
      {"tcp", V4().Tcp(1, 2, dataplane::kTcpSyn, data).bytes()},
      {"tcp6", V6().Tcp(1, 2, dataplane::kTcpSyn, data).bytes()},
      {"udp", V4().Udp(1, 2, data).bytes()},
      {"udp6 behind extensions", V6().Extension(IPPROTO_HOPOPTS)
                                     .Extension(IPPROTO_ROUTING, 3)
                                     .Extension(IPPROTO_DSTOPTS)
                                     .Udp(1, 2, data)
                                     .bytes()},
      {"rarp", Frame()
                   .Ether(Testbed::Mac('a'), dataplane::MacAddress{{255, 255, 255, 255, 255, 255}})
                   .Rarp(Testbed::Mac('a'))
                   .bytes()},
      {"sctp", V4().Sctp(1, 2).bytes()},
      {"echo", V4().Echo(true, 5).bytes()},
      {"echo6", V6().Echo(true, 5).bytes()},
      {"unreachable", V4().Icmp(3, 1, data).bytes()},
      {"solicitation", V6().Neighbour(135, "fd00::2").bytes()},
      {"advertisement", V6().Neighbour(136, "fd00::1").bytes()},
      {"redirect", V6().HopLimit(255).Icmp(137, 0, std::string(36, '\0')).bytes()},
      {"gre", V4().Protocol(47, data).bytes()},
      {"arp", Frame()
                  .Ether(Testbed::Mac('a'), Testbed::Mac('b'))
                  .Arp(1, Testbed::Mac('a'), "10.0.0.1", "10.0.0.2")
                  .bytes()},
  };
}

TEST(Parse, ReadsWhatIsThere) {
  const Packet tcp = ParseExact(V6().Tcp(1000, 80, dataplane::kTcpSyn).bytes());
  EXPECT_EQ(tcp.drop, DropReason::kNone);
  EXPECT_EQ(tcp.kind, PacketKind::kTracked);
  EXPECT_EQ(tcp.protocol, IPPROTO_TCP);
  EXPECT_EQ(tcp.src_port, 1000);
  EXPECT_EQ(tcp.dst_port, 80);
  EXPECT_EQ(tcp.tcp_flags, dataplane::kTcpSyn);
  EXPECT_EQ(tcp.src.ToString(), "fd00::1");
  EXPECT_EQ(tcp.dst.ToString(), "fd00::2");
  EXPECT_EQ(tcp.src_mac, Testbed::Mac('a'));
}

TEST(Parse, EveryPrefixOfEveryFrameDies) {
  for (const Sample& sample : Samples()) {
    EXPECT_EQ(ParseExact(sample.frame).drop, DropReason::kNone) << sample.what;
    for (size_t length = 0; length < sample.frame.size(); ++length) {
      const Packet packet = ParseExact({sample.frame.begin(), sample.frame.begin() + length});
      EXPECT_NE(packet.drop, DropReason::kNone) << sample.what << " cut to " << length;
    }
  }
}

// Every byte of every header set to every interesting value: the parser may say anything, but must
// read only what is there.
TEST(Parse, AnyByteMayLie) {
  for (const Sample& sample : Samples()) {
    for (size_t offset = 12; offset < sample.frame.size(); ++offset) {
      for (const int value : {0x00, 0x01, 0x3c, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xfe, 0xff}) {
        Bytes frame = sample.frame;
        frame[offset] = static_cast<uint8_t>(value);
        ParseExact(frame);
      }
    }
  }
}

TEST(Parse, ExtensionChainsLeadToTheTransportHeader) {
  const Packet packet =
      ParseExact(V6().Extension(IPPROTO_HOPOPTS).Extension(IPPROTO_DSTOPTS, 4).Udp(7, 8).bytes());
  EXPECT_EQ(packet.protocol, IPPROTO_UDP);
  EXPECT_EQ(packet.dst_port, 8);
  EXPECT_EQ(packet.l4_offset, 14 + 40 + 8 + 32);
}

TEST(Parse, MldToOnePodIsNotNeighbourTraffic) {
  const Packet unicast = ParseExact(V6().Icmp(143, 0, std::string(4, '\0')).bytes());
  EXPECT_EQ(unicast.kind, PacketKind::kUntracked);
}

}  // namespace
}  // namespace sluice::test
