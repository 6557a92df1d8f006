// Floods through the pipeline: one pod, or the world, opens connections without end. The others'
// live on, and new ones are opened.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpSyn;

constexpr uint32_t kTable = 4096;
constexpr uint32_t kFlood = 10 * kTable;
constexpr unsigned kOld = 100;
constexpr uint16_t kServer = 80;
const dataplane::MacAddress kGateway{{2, 0, 0, 0, 0xee, 1}};

Bytes Question(uint16_t client) { return Testbed::From('b', 'c').Udp(client, kServer).bytes(); }
Bytes Answer(uint16_t client) { return Testbed::From('c', 'b').Udp(kServer, client).bytes(); }

class PortShare : public testing::Test {
 protected:
  PortShare() {
    // Only b may open towards c; answers pass because the connection is there.
    acl::NetworkPolicy policy = Isolate("c-in", "c", {"Ingress"});
    policy.ingress = {Admit("b", "UDP", kServer)};
    acl::NetworkPolicy closed = Isolate("b-in", "b", {"Ingress"});
    closed.ingress = {Admit("a")};
    bed_.Apply({policy, closed});
    for (uint16_t client = 1; client <= kOld; ++client) Converse(client);
  }
  void Converse(uint16_t client) {
    ASSERT_EQ(bed_.Deliver('b', Question(client)), "c") << client;
    ASSERT_EQ(bed_.Deliver('c', Answer(client)), "b") << client;
  }
  // One burst a turn, as a flood comes.
  template <typename MakeFrame>
  void Flood(char port, MakeFrame make_frame) {
    for (uint32_t number = 0; number < kFlood;) {
      for (int i = 0; i < 32; ++i) bed_.Send(port, make_frame(number++));
      bed_.Turn();
      for (const char other : std::string("abcu")) bed_.Received(other);
    }
  }
  // Answers first: they pass only if the flood left the connection alone.
  void ExpectTheOthersLiveOn() {
    for (uint16_t client = 1; client <= kOld; ++client) {
      EXPECT_EQ(bed_.Deliver('c', Answer(client)), "b") << "connection " << client << " is gone";
      EXPECT_EQ(bed_.Deliver('b', Question(client)), "c");
    }
    for (uint16_t client = 1000; client < 1000 + kOld; ++client) Converse(client);
    EXPECT_EQ(bed_.Drops('b'), 0u);
    EXPECT_EQ(bed_.Drops('c'), 0u);
    EXPECT_LE(bed_.connections(), kTable * 3 / 4);
  }

  Testbed bed_{{.pods = "abc", .uplink = true, .connections = kTable}};
};

TEST_F(PortShare, ASynFloodFromOnePodToAnother) {
  Flood('a', [](uint32_t number) {
    return Testbed::From('a', 'b')
        .Tcp(static_cast<uint16_t>(number), static_cast<uint16_t>(1 + number / 65536), kTcpSyn)
        .bytes();
  });
  EXPECT_EQ(bed_.Drops('a'), 0u) << "unanswered ones make room for the next";
  ExpectTheOthersLiveOn();
}

TEST_F(PortShare, ASynFloodFromOnePodTowardsTheOutside) {
  Flood('a', [](uint32_t number) {
    const std::string outside =
        "192.0." + std::to_string(number >> 8 & 255) + "." + std::to_string(number & 255);
    return Frame()
        .Ether(Testbed::Mac('a'), kGateway)
        .Ip(Testbed::V4('a'), outside)
        .Tcp(static_cast<uint16_t>(number), 443, kTcpSyn)
        .bytes();
  });
  ExpectTheOthersLiveOn();
}

TEST_F(PortShare, AFloodFromOutsideWithForgedSources) {
  Flood('u', [](uint32_t number) {
    const std::string outside =
        "198.51." + std::to_string(number >> 8 & 255) + "." + std::to_string(number & 255);
    return Frame()
        .Ether(kGateway, Testbed::Mac('a'))
        .Ip(outside, Testbed::V4('a'))
        .Tcp(static_cast<uint16_t>(number), 80, kTcpSyn)
        .bytes();
  });
  ExpectTheOthersLiveOn();
}

TEST_F(PortShare, TwoPodsThatAnswerEachOtherFillTheirSharesAndNoMore) {
  for (uint32_t number = 0; number < kFlood; ++number) {
    const auto port = static_cast<uint16_t>(number);
    const auto to = static_cast<uint16_t>(1 + number / 65536);
    bed_.Send('a', Testbed::From('a', 'b').Udp(port, to).bytes());
    bed_.Turn();
    bed_.Send('b', Testbed::From('b', 'a').Udp(to, port).bytes());
    bed_.Turn();
    for (const char other : std::string("ab")) bed_.Received(other);
  }
  EXPECT_GT(bed_.Drops('a', DropReason::kPortShare), kFlood / 2);
  EXPECT_EQ(bed_.table().ChargedTo(1) + bed_.table().ChargedTo(2), bed_.connections());
  for (uint16_t client = 1; client <= kOld; ++client) {
    EXPECT_EQ(bed_.Deliver('c', Answer(client)), "b") << client;
  }
}

}  // namespace
}  // namespace sluice::test
