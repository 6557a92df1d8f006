// A pod's stack: who answers what, what is counted, and what damaged frames do (nothing).
#include "perf/pktgen/host_stack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "perf/pktgen/arp_nd.h"
#include "tests/unit/pktgen/wire.h"

namespace sluice::pktgen {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

uint64_t Received(const HostStack& host, FrameKind kind) {
  return host.counters().received[static_cast<size_t>(kind)];
}

Bytes Text(const char* text) { return {reinterpret_cast<const uint8_t*>(text), std::strlen(text)}; }

class HostPair : public testing::TestWithParam<const char*> {
 protected:
  bool Resolve() {
    return wire_.RunUntil([&] { return a_.Resolve(to_, wire_.now()).has_value(); }, 2'000);
  }

  Wire wire_;
  HostStack& a_ = wire_.AddHost("a", {"10.0.0.1", "fd00::1"});
  HostStack& b_ = wire_.AddHost("b", {"10.0.0.2", "fd00::2"});
  HostStack& c_ = wire_.AddHost("c", {"10.0.0.3", "fd00::3"});
  IpAddress to_ = Address(GetParam());
  IpAddress from_ = a_.SourceFor(to_).value();
  FrameKind neighbor_kind_ = GetParam()[0] == '1' ? FrameKind::kArp : FrameKind::kNd;
};

std::string FamilyName(const testing::TestParamInfo<const char*>& p) {
  return p.param[0] == '1' ? "Ipv4" : p.param[1] == 'd' ? "Ipv6" : "LinkLocal";
}
INSTANTIATE_TEST_SUITE_P(Families, HostPair,
                         testing::Values("10.0.0.2", "fd00::2", "fe80::ff:fe00:2"), FamilyName);

TEST_P(HostPair, OneQueryAndOneAnswerResolveAnAddress) {
  ASSERT_TRUE(Resolve());
  EXPECT_EQ(a_.Resolve(to_, wire_.now()), b_.config().mac);
  EXPECT_EQ(Received(a_, neighbor_kind_), 1u);
  EXPECT_EQ(Received(b_, neighbor_kind_), 1u);
  // The one who was asked has learnt the asker, and asks nothing.
  EXPECT_EQ(b_.Resolve(from_, wire_.now()), a_.config().mac);
  wire_.Run(1'000);
  EXPECT_EQ(Received(a_, neighbor_kind_), 1u);
}

TEST_P(HostPair, ALostQueryIsAskedAgain) {
  int to_lose = 2;
  wire_.LoseIf([&](const ParsedFrame& f) { return f.kind == neighbor_kind_ && to_lose-- > 0; });
  ASSERT_TRUE(Resolve());
  EXPECT_EQ(a_.counters().sent[static_cast<size_t>(neighbor_kind_)], 3u);
}

TEST_P(HostPair, UdpIsEchoedOnlyByAListener) {
  ASSERT_TRUE(Resolve());
  UdpFlow* flow = a_.OpenUdp(to_, 53).value();
  a_.SendUdp(*flow, Text("query"), wire_.now());
  wire_.Run(10);
  EXPECT_EQ(flow->received, 0u);
  ASSERT_TRUE(b_.Listen(Transport::kUdp, 53).ok());
  a_.SendUdp(*flow, Text("query"), wire_.now());
  wire_.Run(10);
  EXPECT_EQ(flow->sent, 2u);
  EXPECT_EQ(flow->received, 1u);
  EXPECT_EQ(flow->last, "query");
  EXPECT_THAT(b_.counters().udp_from, UnorderedElementsAre(Pair(from_, 2u)));
  a_.Close(flow);
}

TEST_P(HostPair, PingIsAnswered) {
  ASSERT_TRUE(Resolve());
  EchoFlow* flow = a_.OpenEcho(to_).value();
  for (int i = 0; i < 3; ++i) a_.SendEcho(*flow, wire_.now());
  wire_.Run(10);
  EXPECT_EQ(flow->sent, 3u);
  EXPECT_EQ(flow->received, 3u);
  EXPECT_EQ(Received(b_, FrameKind::kIcmp), 3u);
  // The hub shows c everything: it counts, and keeps silent.
  EXPECT_EQ(Received(c_, FrameKind::kIcmp), 6u);
  EXPECT_EQ(c_.counters().misdirected, 7u);  // the neighbour's answer too
  EXPECT_EQ(c_.counters().sent, KindCounts{});
  a_.Close(flow);
}

TEST_P(HostPair, ARepeatedEchoReplyCountsOnce) {
  ASSERT_TRUE(Resolve());
  EchoFlow* flow = a_.OpenEcho(to_).value();
  a_.SendEcho(*flow, wire_.now());
  const Path back{b_.config().mac, a_.config().mac, to_, from_};
  for (int i = 0; i < 3; ++i) {
    a_.Receive(BuildEchoFrame(back, true, flow->identifier, 0, {}), wire_.now());
  }
  EXPECT_EQ(flow->received, 1u);
}

TEST_P(HostPair, FramesWaitForTheNeighborAndThenLeaveInOrder) {
  ASSERT_TRUE(b_.Listen(Transport::kUdp, 53).ok());
  UdpFlow* flow = a_.OpenUdp(to_, 53).value();
  a_.SendUdp(*flow, Text("first"), wire_.now());
  a_.SendUdp(*flow, Text("second"), wire_.now());
  wire_.Run(10);
  EXPECT_EQ(flow->received, 2u);
  EXPECT_EQ(flow->last, "second");
}

TEST_P(HostPair, SynsAreCountedBySource) {
  ASSERT_TRUE(Resolve());
  ASSERT_TRUE(a_.Connect(to_, 80, wire_.now()).ok());
  wire_.Run(10);
  EXPECT_THAT(b_.counters().tcp_syn_from, UnorderedElementsAre(Pair(from_, 1u)));
  EXPECT_EQ(Received(a_, FrameKind::kTcpOther), 1u);  // the reset
}

TEST(HostStack, SourceIsOfTheDestinationsFamilyAndScope) {
  Wire wire;
  const HostStack& host = wire.AddHost("only-v4", {"10.0.0.1"});
  EXPECT_EQ(host.SourceFor(Address("10.0.0.9"))->ToString(), "10.0.0.1");
  EXPECT_EQ(host.SourceFor(Address("fe80::9"))->ToString(), "fe80::ff:fe00:1");
  EXPECT_EQ(std::string(host.SourceFor(Address("fd00::9")).status().message()),
            "pod only-v4 has no address to reach fd00::9 from");
}

TEST(HostStack, ASecondListenerIsRefused) {
  Wire wire;
  HostStack& host = wire.AddHost("a", {"10.0.0.1"});
  EXPECT_TRUE(host.Listen(Transport::kTcp, 80).ok());
  EXPECT_TRUE(host.Listen(Transport::kUdp, 80).ok());
  EXPECT_EQ(std::string(host.Listen(Transport::kTcp, 80).message()),
            "pod a: port 80 has a listener already");
}

TEST(HostStack, FramesToAnotherMacAreCountedButNotAnswered) {
  Wire wire;
  HostStack& host = wire.AddHost("a", {"10.0.0.1"});
  int sent = 0;
  wire.Watch([&](const ParsedFrame&) { ++sent; });
  const Path path{
      {{2, 0, 0, 0, 0, 9}}, {{2, 0, 0, 0, 0, 8}}, Address("10.0.0.9"), Address("10.0.0.1")};
  host.Receive(BuildEchoFrame(path, false, 1, 1, {}), wire.now());
  EXPECT_EQ(sent, 0);
  EXPECT_EQ(host.counters().misdirected, 1u);
  EXPECT_EQ(Received(host, FrameKind::kIcmp), 1u);
}

TEST(HostStack, ADamagedFrameIsCountedButNotAnswered) {
  Wire wire;
  HostStack& host = wire.AddHost("a", {"10.0.0.1"});
  int sent = 0;
  wire.Watch([&](const ParsedFrame&) { ++sent; });
  const Path path{
      {{2, 0, 0, 0, 0, 9}}, host.config().mac, Address("10.0.0.9"), Address("10.0.0.1")};
  Frame frame = BuildEchoFrame(path, false, 1, 1, Text("abc"));
  frame.back() ^= 1;
  host.Receive(frame, wire.now());
  EXPECT_EQ(sent, 0);
  EXPECT_EQ(host.counters().bad_checksum, 1u);
}

TEST(HostStack, AFloodOfFramesToAnUnknownNeighborIsBounded) {
  Wire wire;
  HostStack& host = wire.AddHost("a", {"10.0.0.1"});
  HostStack& other = wire.AddHost("b", {"10.0.0.2"});
  wire.LoseIf([](const ParsedFrame& f) { return f.kind == FrameKind::kArp; });
  UdpFlow* flow = host.OpenUdp(Address("10.0.0.2"), 53).value();
  for (size_t i = 0; i < 3 * NeighborTable::kMaxWaiting; ++i) {
    host.SendUdp(*flow, Text("x"), wire.now());
  }
  wire.LoseIf(nullptr);
  wire.Run(1'000);
  EXPECT_EQ(Received(other, FrameKind::kUdp), NeighborTable::kMaxWaiting);
}

// Random damage to every kind of frame; the seed is printed by SCOPED_TRACE.
TEST(HostStack, RandomDamageIsNeverAnsweredBeyondOneFrameAndNeverCrashes) {
  const Path path{
      {{2, 0, 0, 0, 0, 2}}, {{2, 0, 0, 0, 0, 1}}, Address("10.0.0.2"), Address("10.0.0.1")};
  const Frame frames[] = {
      BuildUdpFrame(path, 1, 53, Text("query")), BuildEchoFrame(path, false, 1, 2, Text("echo")),
      BuildNeighborQuery(path.src_mac, path.src, path.dst),
      BuildNeighborQuery(path.src_mac, Address("fd00::2"), Address("fd00::1")),
      BuildIpFrame(path, 6, WriteTcpSegment({.dst_port = 80, .flags = kSyn, .mss = 9}))};
  for (uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Wire wire;
    HostStack& host = wire.AddHost("a", {"10.0.0.1", "fd00::1"});
    ASSERT_TRUE(host.Listen(Transport::kTcp, 80).ok());
    ASSERT_TRUE(host.Listen(Transport::kUdp, 53).ok());
    int sent = 0;
    wire.Watch([&](const ParsedFrame&) { ++sent; });
    std::mt19937_64 random(seed);
    Frame frame = frames[seed % std::size(frames)];
    for (int i = 0; i < 4; ++i) frame[random() % frame.size()] = static_cast<uint8_t>(random());
    const size_t size = random() % (frame.size() + 1);
    const auto exact = std::make_unique<uint8_t[]>(size);
    std::copy_n(frame.begin(), size, exact.get());
    host.Receive({exact.get(), size}, wire.now());
    EXPECT_LE(sent, 1);
  }
}

}  // namespace
}  // namespace sluice::pktgen
