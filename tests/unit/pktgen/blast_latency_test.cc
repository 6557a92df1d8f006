#include "perf/pktgen/blast_latency.h"

#include <gtest/gtest.h>
#include <rte_ip.h>

#include <array>

namespace sluice::pktgen {
namespace {

constexpr uint64_t kCyclesPerSecond = 1'000'000'000;  // one a nanosecond
constexpr uint64_t kUs = 1000;

std::array<uint8_t, BlastLatency::kStampSize> Stamped(uint64_t tsc) {
  std::array<uint8_t, BlastLatency::kStampSize> payload{};
  BlastLatency::Stamp(payload.data(), tsc);
  return payload;
}

// So many packets that one of them is a sample.
void Take(BlastLatency& latency, uint64_t sent) {
  for (unsigned i = 0; i < BlastLatency::kSampleEvery; ++i) latency.Take(Stamped(sent));
}

TEST(BlastLatency, AStampLeavesTheChecksumAsItWas) {
  const Path path{.src_mac = {},
                  .dst_mac = {},
                  .src = *IpAddress::Parse("10.0.0.1"),
                  .dst = *IpAddress::Parse("10.0.0.2")};
  Frame frame = BuildUdpFrame(path, 1, 2, Frame(18));
  const auto holds = [&] {
    return rte_ipv4_udptcp_cksum_verify(reinterpret_cast<const rte_ipv4_hdr*>(&frame[14]),
                                        &frame[34]) == 0;
  };
  ASSERT_TRUE(holds());
  for (const uint64_t tsc : {uint64_t{0}, uint64_t{1}, uint64_t{0x0123456789abcdef}, UINT64_MAX}) {
    BlastLatency::Stamp(&frame[42], tsc);
    EXPECT_TRUE(holds()) << tsc;
  }
  frame[42] ^= 1;
  EXPECT_FALSE(holds());
}

TEST(BlastLatency, QuantilesAreOfTheTimeUnderWay) {
  BlastLatency latency(kCyclesPerSecond);
  for (uint64_t us = 1; us <= 1000; ++us) {
    latency.Look(us * 10 * kUs);
    Take(latency, us * 10 * kUs - us * kUs / 100);
  }
  const Json answer = latency.Answer();
  EXPECT_EQ(answer["samples"], 1000);
  EXPECT_NEAR(answer["p50"].get<double>(), 5, 0.02);
  EXPECT_NEAR(answer["p99"].get<double>(), 9.9, 0.02);
  EXPECT_NEAR(answer["p999"].get<double>(), 9.99, 0.02);
  EXPECT_NEAR(answer["max"].get<double>(), 10, 0.001);
}

TEST(BlastLatency, WhatWaitedForTheGeneratorIsCountedApart) {
  BlastLatency latency(kCyclesPerSecond);
  latency.Look(100 * kUs);
  Take(latency, 95 * kUs);
  latency.Look(500 * kUs);  // a gap
  Take(latency, 99 * kUs);
  latency.Look(501 * kUs);
  Take(latency, 499 * kUs);  // sent before the gap ended
  Take(latency, 500 * kUs);
  const Json answer = latency.Answer();
  EXPECT_EQ(answer["samples"], 2);
  EXPECT_EQ(answer["waited"], 2);
  EXPECT_NEAR(answer["max"].get<double>(), 5, 0.001);
}

TEST(BlastLatency, APayloadWithoutAStampSaysNothing) {
  BlastLatency latency(kCyclesPerSecond);
  latency.Look(100 * kUs);
  for (int i = 0; i < 100; ++i) {
    latency.Take(Frame(18));
    latency.Take(Frame(15));
  }
  EXPECT_EQ(latency.Answer(), (Json{{"samples", 0}, {"waited", 0}}));
}

}  // namespace
}  // namespace sluice::pktgen
