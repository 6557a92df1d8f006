// Frames: what is built is what DPDK's verifiers accept, and no damaged frame is read out of
// bounds.
#include "perf/pktgen/frame.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include <memory>

#include "perf/pktgen/arp_nd.h"
#include "perf/pktgen/tcp_segment.h"
#include "tests/unit/pktgen/wire.h"

namespace sluice::pktgen {

void ExpectValidChecksums(Bytes frame) {
  const ParsedFrame parsed = ParseFrame(frame);
  EXPECT_FALSE(parsed.malformed);
  EXPECT_FALSE(parsed.bad_checksum);
  if (parsed.kind == FrameKind::kArp) return;
  const uint8_t* ip = frame.data() + sizeof(rte_ether_hdr);
  const uint8_t* l4 = parsed.payload.data();
  if (parsed.dst.family == Family::kIpv6) {
    EXPECT_EQ(rte_ipv6_udptcp_cksum_verify(reinterpret_cast<const rte_ipv6_hdr*>(ip), l4), 0);
    return;
  }
  const auto* ipv4 = reinterpret_cast<const rte_ipv4_hdr*>(ip);
  EXPECT_EQ(rte_raw_cksum(ipv4, sizeof(*ipv4)), 0xffff);
  if (parsed.protocol == IPPROTO_ICMP) {
    EXPECT_EQ(rte_raw_cksum(l4, parsed.payload.size()), 0xffff);
  } else {
    EXPECT_EQ(rte_ipv4_udptcp_cksum_verify(ipv4, l4), 0);
  }
}

namespace {

const MacAddress kMacA{{2, 0, 0, 0, 0, 0xa}};
const MacAddress kMacB{{2, 0, 0, 0, 0, 0xb}};

Path PathV4() { return {kMacA, kMacB, Address("10.0.0.1"), Address("10.0.0.2")}; }
Path PathV6() { return {kMacA, kMacB, Address("fd00::1"), Address("fd00::2")}; }
Path PathOf(Family family) { return family == Family::kIpv4 ? PathV4() : PathV6(); }

Bytes Text(const char* text) { return {reinterpret_cast<const uint8_t*>(text), std::strlen(text)}; }

Frame TcpFrame(const Path& path, uint8_t flags, const char* text) {
  const Frame l4 = WriteTcpSegment({.src_port = 1000,
                                    .dst_port = 80,
                                    .seq = 7,
                                    .ack = 9,
                                    .flags = flags,
                                    .window = 100,
                                    .mss = static_cast<uint16_t>((flags & kSyn) != 0 ? 1460 : 0),
                                    .payload = Text(text)});
  return BuildIpFrame(path, IPPROTO_TCP, l4);
}

struct Sample {
  const char* name;
  FrameKind kind;
  Frame frame;
};

std::vector<Sample> Samples() {
  std::vector<Sample> samples;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const Path path = PathOf(family);
    samples.push_back({"syn", FrameKind::kTcpSyn, TcpFrame(path, kSyn, "")});
    samples.push_back({"syn-ack", FrameKind::kTcpOther, TcpFrame(path, kSyn | kAck, "")});
    samples.push_back({"data", FrameKind::kTcpOther, TcpFrame(path, kAck, "odd length")});
    samples.push_back({"udp", FrameKind::kUdp, BuildUdpFrame(path, 5, 53, Text("query"))});
    samples.push_back({"empty udp", FrameKind::kUdp, BuildUdpFrame(path, 5, 53, {})});
    samples.push_back({"echo", FrameKind::kIcmp, BuildEchoFrame(path, false, 1, 2, Text("abc"))});
    samples.push_back({"reply", FrameKind::kIcmp, BuildEchoFrame(path, true, 1, 2, Text("abc"))});
    const FrameKind neighbor = family == Family::kIpv4 ? FrameKind::kArp : FrameKind::kNd;
    samples.push_back({"query", neighbor, BuildNeighborQuery(kMacA, path.src, path.dst)});
    samples.push_back({"answer", neighbor, BuildNeighborAnswer(kMacA, path.src, kMacB, path.dst)});
  }
  return samples;
}

TEST(Frame, EveryBuiltFrameIsReadBackAndHasValidChecksums) {
  for (const Sample& sample : Samples()) {
    SCOPED_TRACE(sample.name);
    ExpectValidChecksums(sample.frame);
    const ParsedFrame parsed = ParseFrame(sample.frame);
    EXPECT_EQ(parsed.kind, sample.kind);
    EXPECT_EQ(parsed.src_mac, kMacA);
  }
}

// A buffer of the exact size, so that AddressSanitizer sees a read of one byte more.
TEST(Frame, TruncationAtEveryLengthIsMalformedAndReadsNothingBeyond) {
  for (const Sample& sample : Samples()) {
    for (size_t size = 0; size < sample.frame.size(); ++size) {
      SCOPED_TRACE(testing::Message() << sample.name << " cut to " << size);
      const auto exact = std::make_unique<uint8_t[]>(size);
      std::copy_n(sample.frame.begin(), size, exact.get());
      const ParsedFrame parsed = ParseFrame({exact.get(), size});
      EXPECT_TRUE(parsed.malformed);
      EXPECT_EQ(parsed.kind, FrameKind::kOther);
      EXPECT_FALSE(ReadNeighborMessage(parsed).has_value());
    }
  }
}

TEST(Frame, AnyFlippedPayloadOrHeaderBitIsSeenByAChecksumOrTheShape) {
  for (const Sample& sample : Samples()) {
    if (sample.kind == FrameKind::kArp) continue;
    const bool v6 = ParseFrame(sample.frame).dst.family == Family::kIpv6;
    // IPv6's own header, but for the addresses, has no checksum.
    const size_t first = v6 ? sizeof(rte_ether_hdr) + 8 : sizeof(rte_ether_hdr);
    for (size_t i = first; i < sample.frame.size(); ++i) {
      Frame damaged = sample.frame;
      damaged[i] ^= 0x10;
      const ParsedFrame parsed = ParseFrame(damaged);
      const bool no_checksum_udp =
          !v6 && sample.kind == FrameKind::kUdp && damaged[40] == 0 && damaged[41] == 0;
      EXPECT_TRUE(parsed.malformed || parsed.bad_checksum || no_checksum_udp ||
                  parsed.kind == FrameKind::kOther)
          << sample.name << " byte " << i;
    }
  }
}

TEST(Frame, EthernetPaddingIsNotPayload) {
  Frame frame = BuildUdpFrame(PathV4(), 5, 53, Text("x"));
  frame.resize(60);
  const ParsedFrame parsed = ParseFrame(frame);
  EXPECT_EQ(parsed.kind, FrameKind::kUdp);
  EXPECT_EQ(parsed.payload.size(), 9u);
  EXPECT_FALSE(parsed.bad_checksum);
}

TEST(Frame, HeadersThatLieAboutLengthsAreMalformed) {
  struct Case {
    const char* name;
    Family family;
    size_t offset;  // from the start of the IP header
    uint8_t value;
  };
  const Case cases[] = {
      {"version 5", Family::kIpv4, 0, 0x55},
      {"header length 16", Family::kIpv4, 0, 0x44},
      {"header longer than the packet", Family::kIpv4, 0, 0x4f},
      {"total length beyond the frame", Family::kIpv4, 3, 200},
      {"total length below the header", Family::kIpv4, 3, 19},
      {"TCP header of 16 bytes", Family::kIpv4, 32, 0x40},
      {"TCP header beyond the packet", Family::kIpv4, 32, 0xf0},
      {"version 4 in IPv6", Family::kIpv6, 0, 0x40},
      {"payload beyond the frame", Family::kIpv6, 5, 200},
      {"payload below the TCP header", Family::kIpv6, 5, 19},
  };
  for (const Case& c : cases) {
    Frame frame = TcpFrame(PathOf(c.family), kAck, "data");
    frame[sizeof(rte_ether_hdr) + c.offset] = c.value;
    EXPECT_TRUE(ParseFrame(frame).malformed) << c.name;
  }
}

TEST(Frame, FragmentsAreOther) {
  Frame frame = TcpFrame(PathV4(), kSyn, "");
  frame[sizeof(rte_ether_hdr) + 6] = 0x20;  // more fragments
  EXPECT_EQ(ParseFrame(frame).kind, FrameKind::kOther);
}

TEST(TcpSegmentText, RoundTripKeepsEveryField) {
  const TcpSegment segment{.src_port = 1,
                           .dst_port = 65535,
                           .seq = 0xfffffffe,
                           .ack = 3,
                           .flags = kSyn | kAck,
                           .window = 512,
                           .mss = 1440,
                           .payload = Text("payload")};
  const Frame l4 = WriteTcpSegment(segment);
  const TcpSegment read = ReadTcpSegment(l4);
  EXPECT_EQ(read.src_port, 1);
  EXPECT_EQ(read.dst_port, 65535);
  EXPECT_EQ(read.seq, 0xfffffffe);
  EXPECT_EQ(read.ack, 3u);
  EXPECT_EQ(read.flags, kSyn | kAck);
  EXPECT_EQ(read.window, 512);
  EXPECT_EQ(read.mss, 1440);
  EXPECT_EQ(read.payload.size(), 7u);
  EXPECT_EQ(read.length(), 8u);
}

TEST(TcpSegmentText, OptionsOfZeroLengthOrCutShortEndTheSearch) {
  for (const std::array<uint8_t, 4> options :
       {std::array<uint8_t, 4>{5, 0, 0, 0}, {1, 1, 1, 2}, {2, 8, 1, 1}, {0, 2, 4, 1}}) {
    Frame l4 = WriteTcpSegment({.flags = kSyn, .mss = 1460});
    std::copy(options.begin(), options.end(), l4.begin() + sizeof(rte_tcp_hdr));
    EXPECT_EQ(ReadTcpSegment(l4).mss, 0);
  }
}

TEST(NeighborMessage, DiscoveryFromBeyondTheLinkIsIgnored) {
  Frame frame = BuildNeighborQuery(kMacA, Address("fd00::1"), Address("fd00::2"));
  EXPECT_TRUE(ReadNeighborMessage(ParseFrame(frame)).has_value());
  frame[sizeof(rte_ether_hdr) + 7] = 254;  // the hop limit; the checksum does not cover it
  EXPECT_FALSE(ReadNeighborMessage(ParseFrame(frame)).has_value());
}

TEST(NeighborMessage, ANeighborOptionOfLengthZeroIsIgnored) {
  Frame frame = BuildNeighborQuery(kMacA, Address("fd00::1"), Address("fd00::2"));
  ParsedFrame parsed = ParseFrame(frame);
  frame[frame.size() - 7] = 0;  // the option's length; `parsed` borrows the frame
  const auto message = ReadNeighborMessage(parsed);
  ASSERT_TRUE(message.has_value());
  EXPECT_FALSE(message->mac.has_value());
}

TEST(LinkLocal, IsTheModifiedEui64OfTheMac) {
  EXPECT_EQ(LinkLocalAddress({{0x02, 0, 0, 0xaa, 0xbb, 0x01}}).ToString(), "fe80::ff:feaa:bb01");
  EXPECT_EQ(LinkLocalAddress({{0x52, 0x54, 0, 0x12, 0x34, 0x56}}).ToString(),
            "fe80::5054:ff:fe12:3456");
}

}  // namespace
}  // namespace sluice::pktgen
