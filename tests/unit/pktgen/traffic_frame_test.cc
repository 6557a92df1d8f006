#include "perf/pktgen/traffic_frame.h"

#include <gtest/gtest.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include <random>
#include <set>

#include "perf/pktgen/blast_latency.h"

namespace sluice::pktgen {
namespace {

constexpr uint64_t kTsc = 0x0123456789abcdef;

TrafficFlows Flows(TrafficProtocol protocol, bool ipv6) {
  return {.mac = *MacAddress::Parse("02:00:00:00:00:01"),
          .peer_mac = *MacAddress::Parse("02:00:00:00:00:02"),
          .source = *IpAddress::Parse(ipv6 ? "fd00::1:ffff" : "10.0.255.250"),
          .destination = *IpAddress::Parse(ipv6 ? "fd00::2" : "10.1.0.2"),
          .protocol = protocol,
          .sources = 7,
          .destinations = 3,
          .first_source_port = 1'024,
          .first_port = 2'000,
          .source_ports = 11,
          .ports = 5};
}

using Buffer = std::array<uint8_t, TrafficFrame::kMost + TrafficFrame::kCopyMost>;

struct Case {
  TrafficProtocol protocol;
  bool ipv6, reversed, payload;
  uint16_t size;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const bool tcp : {false, true}) {
    for (const bool ipv6 : {false, true}) {
      for (const bool reversed : {false, true}) {
        const auto protocol = tcp ? TrafficProtocol::kTcp : TrafficProtocol::kUdp;
        for (const uint16_t size : {uint16_t{100}, uint16_t{1'515}, uint16_t{9'014}}) {
          cases.push_back({protocol, ipv6, reversed, true, size});
        }
        if (tcp && !ipv6) cases.push_back({protocol, ipv6, reversed, false, 60});
      }
    }
  }
  return cases;
}

TrafficFrame FrameOf(const TrafficFlows& flows, const Case& c) {
  return {flows, TrafficFrame::Kind{.reversed = c.reversed,
                                    .size = c.size,
                                    .payload = c.payload,
                                    .stamped = c.payload,
                                    .tcp_flags = RTE_TCP_ACK_FLAG,
                                    .seq = 0xfffffff0,
                                    .ack = 5'001}};
}

// Calls `check(frame, data, flow)` with what is written for every flow of every case.
template <typename Check>
void ForEveryFlow(const Check& check) {
  for (const Case& c : Cases()) {
    const TrafficFlows flows = Flows(c.protocol, c.ipv6);
    const TrafficFrame frame = FrameOf(flows, c);
    for (uint32_t flow = 0; flow < flows.count(); ++flow) {
      Buffer data{};
      frame.Write(data.data(), flow, kTsc);
      check(frame, data, flow);
    }
  }
}

TEST(TrafficFrame, EveryFlowsChecksumsHold) {
  ForEveryFlow([](const TrafficFrame& frame, const Buffer& data, uint32_t flow) {
    const ParsedFrame parsed = ParseFrame({data.data(), frame.size()});
    ASSERT_FALSE(parsed.malformed);
    ASSERT_FALSE(parsed.bad_checksum) << "flow " << flow << ", size " << frame.size();
  });
}

TEST(TrafficFrame, WhatIsReadIsTheFlowThatWasWritten) {
  ForEveryFlow([](const TrafficFrame& frame, const Buffer& data, uint32_t flow) {
    ASSERT_EQ(frame.Read(data.data(), frame.size()), flow);
  });
}

TEST(TrafficFrame, FlowsDifferInTheirTuples) {
  const TrafficFlows flows = Flows(TrafficProtocol::kUdp, false);
  const TrafficFrame frame(flows, {});
  std::set<std::array<uint8_t, 12>> tuples;  // addresses and ports
  for (uint32_t flow = 0; flow < flows.count(); ++flow) {
    Buffer data{};
    frame.Write(data.data(), flow, 0);
    std::array<uint8_t, 12> tuple;
    std::memcpy(tuple.data(), data.data() + 26, tuple.size());
    tuples.insert(tuple);
  }
  EXPECT_EQ(tuples.size(), flows.count());
}

TEST(TrafficFrame, WhatTheSwitchMixedUpIsNotRead) {
  const TrafficFlows flows = Flows(TrafficProtocol::kUdp, false);
  const TrafficFrame frame(flows, {.size = 100});
  const TrafficFrame reversed(flows, {.reversed = true, .size = 100});
  Buffer good{};
  frame.Write(good.data(), 17, 0);
  ASSERT_EQ(frame.Read(good.data(), 100), 17U);
  EXPECT_EQ(frame.Read(good.data(), 99), std::nullopt);
  EXPECT_EQ(reversed.Read(good.data(), 100), std::nullopt);
  // MACs, type, version, protocol, addresses, ports, the flow's number.
  for (const size_t at : {0, 5, 6, 11, 12, 13, 14, 23, 29, 33, 34, 35, 36, 37, 42, 45}) {
    Buffer bad = good;
    bad[at] ^= 0x40;
    EXPECT_EQ(frame.Read(bad.data(), 100), std::nullopt) << "byte " << at;
  }
}

TEST(TrafficFrame, TheStampIsWhatLatencyReads) {
  const TrafficFlows flows = Flows(TrafficProtocol::kUdp, true);
  const TrafficFrame frame(flows, {.size = TrafficFrame::LeastSize(flows, true), .stamped = true});
  Buffer data{}, expected{};
  frame.Write(data.data(), 3, kTsc);
  BlastLatency::Stamp(expected.data(), kTsc);
  EXPECT_EQ(std::memcmp(frame.Stamp(data.data()).data(), expected.data(), TrafficFrame::kStampSize),
            0);
}

TEST(TrafficFrame, TheLeastSizeHoldsHeadersFlowAndStamp) {
  EXPECT_EQ(TrafficFrame::LeastSize(Flows(TrafficProtocol::kUdp, false), true), 62);
  EXPECT_EQ(TrafficFrame::LeastSize(Flows(TrafficProtocol::kUdp, false), false), 60);
  EXPECT_EQ(TrafficFrame::LeastSize(Flows(TrafficProtocol::kTcp, true), false), 78);
}

}  // namespace
}  // namespace sluice::pktgen
