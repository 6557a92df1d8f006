#include "dataplane/learned_macs.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::dataplane {
namespace {

constexpr uint32_t kAge = 300'000;

MacAddress Mac(uint32_t number) {
  return {{2, 0, static_cast<uint8_t>(number >> 24), static_cast<uint8_t>(number >> 16),
           static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)}};
}

TEST(LearnedMacsTest, TheNewestPlaceCounts) {
  LearnedMacs macs(16, kAge);
  EXPECT_EQ(macs.Find(Mac(1), 0), kNoPort);
  macs.Learn(Mac(1), 7, 0);
  EXPECT_EQ(macs.Find(Mac(1), 0), 7);
  macs.Learn(Mac(1), 8, 1);
  EXPECT_EQ(macs.Find(Mac(1), 1), 8);
}

TEST(LearnedMacsTest, AgesFromTheLastTimeSeenAlsoWhenTheClockWraps) {
  for (const uint32_t start : {0u, UINT32_MAX - 1000u}) {
    LearnedMacs macs(16, kAge);
    macs.Learn(Mac(1), 7, start);
    macs.Learn(Mac(1), 7, start + kAge / 2);
    EXPECT_EQ(macs.Find(Mac(1), start + kAge), 7);
    EXPECT_EQ(macs.Find(Mac(1), start + kAge / 2 + kAge), kNoPort);
  }
}

TEST(LearnedMacsTest, IsBoundedAndGivesUpTheOldest) {
  LearnedMacs macs(64, kAge);
  ASSERT_EQ(macs.capacity(), 64u);
  for (uint32_t i = 0; i < 10'000; ++i) macs.Learn(Mac(i), 7, i);
  size_t kept = 0;
  uint32_t oldest = 0;
  macs.Visit(10'000, [&](const MacAddress&, PortId, uint32_t age) {
    ++kept;
    oldest = std::max(oldest, age);
  });
  EXPECT_EQ(kept, 64u);
  EXPECT_LT(oldest, 1'000u) << "a bucket of 4 keeps its newest 4 of 10,000 / 16";
  EXPECT_EQ(macs.Find(Mac(9'999), 10'000), 7);
}

TEST(LearnedMacsTest, AFullBucketPrefersWhatIsOutOfAge) {
  LearnedMacs macs(4, kAge);  // one bucket
  for (uint32_t i = 0; i < 4; ++i) macs.Learn(Mac(i), 7, i * 2000);
  macs.Learn(Mac(0), 7, 10'000);  // the oldest was seen again
  macs.Learn(Mac(4), 7, 11'000);
  EXPECT_EQ(macs.Find(Mac(1), 11'000), kNoPort);
  for (const uint32_t kept : {0u, 2u, 3u, 4u}) EXPECT_EQ(macs.Find(Mac(kept), 11'000), 7) << kept;
}

TEST(LearnedMacsTest, VisitTellsAddressPortAndAge) {
  LearnedMacs macs(16, kAge);
  macs.Learn(Mac(0x01020304), 9, 1000);
  macs.Visit(3000, [](const MacAddress& mac, PortId port, uint32_t age) {
    EXPECT_EQ(mac, Mac(0x01020304));
    EXPECT_EQ(port, 9);
    EXPECT_EQ(age, 2000u);
  });
}

}  // namespace
}  // namespace sluice::dataplane
