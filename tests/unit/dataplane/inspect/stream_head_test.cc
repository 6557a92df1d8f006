// The head of a stream from pieces in any order, against a map of its octets.
#include "dataplane/inspect/stream_head.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/differential/random_source.h"
#include "tests/unit/dataplane/inspect/exact_bytes.h"

namespace sluice::dataplane {
namespace {

using Outcome = StreamHead::Outcome;
using acl::RandomSource;
using test::ExactBytes;

constexpr uint32_t kFirst = 0xffff'fff0;  // numbers wrap inside the head

std::string Text(const StreamHead& head) { return {head.bytes().begin(), head.bytes().end()}; }

TEST(StreamHead, PiecesBecomeOneWhenTheGapsClose) {
  std::vector<uint8_t> buffer(64);
  StreamHead head;
  head.Begin(buffer, kFirst);
  const auto take = [&](uint32_t offset, const char* text) {
    return head.Take(kFirst + offset, ExactBytes(text).get());
  };
  EXPECT_EQ(take(20, "uvw"), Outcome::kTaken);
  EXPECT_EQ(head.length(), 0u);
  EXPECT_TRUE(head.HasGap());
  EXPECT_EQ(take(0, "abcdefghij"), Outcome::kTaken);
  EXPECT_EQ(take(8, "ijklmnopqrstuv"), Outcome::kTaken);
  EXPECT_EQ(Text(head), "abcdefghijklmnopqrstuvw");
  EXPECT_FALSE(head.HasGap());
  EXPECT_EQ(take(5, "fgX"), Outcome::kDiffers);
  EXPECT_EQ(head.Take(kFirst - 3, ExactBytes("123abc").get()), Outcome::kTaken);
  EXPECT_EQ(take(23, "x"), Outcome::kTaken) << "what it touches";
  std::vector<uint8_t> larger(128);
  head.MoveTo(larger);
  EXPECT_EQ(Text(head), "abcdefghijklmnopqrstuvwx");
}

TEST(StreamHead, RandomPiecesAreAsAMapHasThem) {
  RandomSource random(11);
  size_t taken = 0, differing = 0, scattered = 0;
  for (int round = 0; round < 2000; ++round) {
    constexpr size_t kCapacity = 100;
    const std::unique_ptr<uint8_t[]> buffer(new uint8_t[kCapacity]);
    StreamHead head;
    head.Begin({buffer.get(), kCapacity}, kFirst);
    std::map<int, uint8_t> model;
    for (int step = 0; step < 30; ++step) {
      const int offset = static_cast<int>(random.Below(130)) - 15;
      std::string text;
      for (size_t i = random.Below(12); i > 0; --i) {
        const int place = offset + static_cast<int>(text.size());
        const bool lies = random.Chance(1);
        text.push_back(static_cast<char>(lies ? 'X' : 'a' + (place + 26) % 26));
      }
      const ExactBytes bytes(text);
      const uint32_t sequence = kFirst + static_cast<uint32_t>(offset);
      bool agrees = true;
      std::map<int, uint8_t> after = model;
      for (size_t i = 0; i < text.size(); ++i) {
        const int place = offset + static_cast<int>(i);
        if (place < 0 || place >= static_cast<int>(kCapacity)) continue;
        const auto byte = static_cast<uint8_t>(text[i]);
        agrees = agrees && (!model.contains(place) || model[place] == byte);
        after[place] = byte;
      }
      ASSERT_EQ(head.Agrees(sequence, bytes.get()), agrees);
      const Outcome outcome = head.Take(sequence, bytes.get());
      ASSERT_EQ(outcome == Outcome::kDiffers, !agrees);
      if (outcome == Outcome::kTaken) model = after;
      uint32_t length = 0;
      while (model.contains(static_cast<int>(length))) ++length;
      ASSERT_EQ(head.length(), length);
      ASSERT_EQ(head.HasGap(), model.size() > length);
      for (uint32_t i = 0; i < length; ++i) ASSERT_EQ(head.bytes()[i], model[static_cast<int>(i)]);
      taken += outcome == Outcome::kTaken ? 1 : 0;
      differing += agrees ? 0 : 1;
      scattered += outcome == Outcome::kScattered ? 1 : 0;
    }
  }
  EXPECT_GT(taken, 10'000u);
  EXPECT_GT(differing, 100u);
  EXPECT_GT(scattered, 0u);
}

}  // namespace
}  // namespace sluice::dataplane
