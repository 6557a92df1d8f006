#include "perf/pktgen/traffic_order.h"

#include <gtest/gtest.h>

#include <map>

#include "perf/pktgen/traffic_search.h"

namespace sluice::pktgen {
namespace {

std::map<uint32_t, int> Count(TrafficOrder& order, int packets) {
  std::map<uint32_t, int> counts;
  for (int i = 0; i < packets; ++i) ++counts[order.Next()];
  return counts;
}

TEST(TrafficOrder, FlowsSendInTurn) {
  TrafficOrder order({.flows = 3}, 1);
  std::vector<uint32_t> flows(7);
  for (uint32_t& flow : flows) flow = order.Next();
  EXPECT_EQ(flows, (std::vector<uint32_t>{0, 1, 2, 0, 1, 2, 0}));
}

TEST(TrafficOrder, EveryNthPacketIsOfANewFlow) {
  TrafficOrder order({.flows = 2, .new_every = 3, .first_new = 2, .new_flows = 2}, 1);
  std::vector<uint32_t> flows(12);
  for (uint32_t& flow : flows) flow = order.Next();
  EXPECT_EQ(flows, (std::vector<uint32_t>{0, 1, 2, 0, 1, 3, 0, 1, 2, 0, 1, 3}));
}

TEST(TrafficOrder, NewFlowsGoOnWhereTheLastRunStopped) {
  const TrafficOrder::Config config{
      .flows = 1, .new_every = 1, .first_new = 1, .new_flows = 10, .next_new = 4};
  TrafficOrder order(config, 1);
  EXPECT_EQ(order.Next(), 5U);
  EXPECT_EQ(order.next_new(), 5U);
}

// With exponent 1 and 1,000 flows the first has 1/H(1000) = 13.4 % and the first ten 39 %.
TEST(TrafficOrder, ZipfsLawHoldsForTheMostPopularFlows) {
  constexpr int kPackets = 200'000;
  TrafficOrder order({.flows = 1'000, .zipf = 1}, 7);
  std::vector<int> counts;
  for (const auto& [flow, count] : Count(order, kPackets)) {
    ASSERT_LT(flow, 1'000U);
    counts.push_back(count);
  }
  std::ranges::sort(counts, std::greater<>());
  int ten = 0;
  for (int i = 0; i < 10; ++i) ten += counts[static_cast<size_t>(i)];
  EXPECT_NEAR(counts[0] / double{kPackets}, 0.134, 0.005);
  EXPECT_NEAR(ten / double{kPackets}, 0.391, 0.01);
}

TEST(TrafficSearch, FindsTheRateBeyondWhichPacketsAreLost) {
  const auto beyond = [](double limit) {
    return TrafficSearch{.most_pps = 10e6, .trial = [limit](double rate) {
                           return TrafficTrial{rate, rate > limit ? 0.01 : 0};
                         }};
  };
  for (const double limit : {0.5e6, 3.3e6, 9.99e6, 20e6}) {
    const TrafficSearch::Found found = beyond(limit).Run();
    EXPECT_NEAR(found.best.rate_pps, std::min(limit, 10e6), 0.1e6) << limit;
    EXPECT_LE(found.best.rate_pps, limit);
  }
}

TEST(TrafficSearch, NoRateIsFoundWhereEveryOneLoses) {
  const TrafficSearch search{.most_pps = 1e6, .trial = [](double rate) {
                               return TrafficTrial{rate, 0.5};
                             }};
  EXPECT_EQ(search.Run().best.rate_pps, 0);
}

}  // namespace
}  // namespace sluice::pktgen
