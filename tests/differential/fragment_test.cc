// The fragment stage against its naive twin: random fragments, right and wrong, burst by burst.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/differential/naive_fragments.h"
#include "tests/support/seed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;

constexpr uint32_t kTimeoutMs = 50;

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}
  unsigned Below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  // A handful at a time of some datagrams, mixed; some are lost.
  std::vector<FragmentInput> Burst() {
    if (pending_.empty()) {
      for (unsigned left = 1 + Below(4); left > 0; --left) AddDatagram(pending_);
      if (Below(3) != 0) std::shuffle(pending_.begin(), pending_.end(), random_);
    }
    std::vector<FragmentInput> burst;
    for (unsigned left = 1 + Below(12); left > 0 && !pending_.empty(); --left) {
      if (Below(30) != 0) burst.push_back(pending_.back());
      pending_.pop_back();
    }
    return burst;
  }

 private:
  // Cut into equal pieces, as senders do; now and then a piece is changed or doubled.
  void AddDatagram(std::vector<FragmentInput>& burst) {
    FragmentInput input;
    input.fragment.identification = Below(12);
    input.port = static_cast<uint16_t>(Below(4));
    input.flood = Below(8) == 0;
    input.out_port = static_cast<dataplane::PortId>(2 + Below(2));
    const unsigned step = 8 * (1 + Below(4));
    const unsigned size = step + 1 + Below(9 * step);
    for (unsigned at = 0; at < size; at += step) {
      input.fragment.offset = static_cast<uint16_t>(at);
      input.fragment.length = static_cast<uint16_t>(std::min(step, size - at));
      input.fragment.more = at + step < size;
      Push(burst, input);
    }
  }

  void Push(std::vector<FragmentInput>& burst, FragmentInput input) {
    if (Below(60) == 0) input.fragment.offset = static_cast<uint16_t>(8 * Below(40));
    if (Below(60) == 0) input.fragment.length = static_cast<uint16_t>(8 * (1 + Below(8)));
    if (Below(60) == 0) input.fragment.more = !input.fragment.more;
    const bool whole = input.fragment.offset == 0 && !input.fragment.more;
    if (whole) return;
    burst.push_back(input);
    if (Below(20) == 0) burst.push_back(input);
  }

  std::mt19937 random_;
  std::vector<FragmentInput> pending_;
};

bool Before(const FragmentRig::Event& a, const FragmentRig::Event& b) { return a.input < b.input; }

TEST(FragmentDifferential, AgreesWithTheNaiveTwin) {
  Generator generator(Seed());
  std::map<DropReason, unsigned> seen;
  unsigned passed_late = 0;
  for (int session = 0; session < 60; ++session) {
    FragmentRig rig({.timeout_ms = kTimeoutMs, .held_segments = 1u << 20, .held_by_all = 1u << 21});
    NaiveFragments naive(kTimeoutMs);
    unsigned inputs = 0;
    for (int step = 0; step < 500; ++step) {
      const std::vector<FragmentInput> burst = generator.Burst();
      std::vector<FragmentRig::Event> got = rig.Feed(burst);
      std::vector<FragmentRig::Event> expected = naive.Feed(burst);
      std::sort(got.begin(), got.end(), Before);
      std::sort(expected.begin(), expected.end(), Before);
      ASSERT_EQ(got.size(), expected.size()) << "session " << session << " step " << step;
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_EQ(got[i], expected[i])
            << "session " << session << " step " << step << " input " << expected[i].input << ": "
            << DropReasonName(got[i].drop) << ", not " << DropReasonName(expected[i].drop);
        ++seen[got[i].drop];
        if (got[i].drop == DropReason::kNone && got[i].input < inputs) ++passed_late;
      }
      inputs += static_cast<unsigned>(burst.size());
      const uint32_t ms = 1 + generator.Below(4);
      rig.Advance(ms);
      naive.Advance(ms);
      ASSERT_EQ(rig.Drops(DropReason::kFragmentTimeout), naive.timed_out());
      ASSERT_EQ(rig.Waiting(), naive.waiting());
      ASSERT_FALSE(rig.GivenBackTwice());
    }
    rig.Stop();
    ASSERT_EQ(rig.Waiting(), 0);
  }
  // The random stories were worth telling.
  EXPECT_GT(passed_late, 1000u);
  for (const DropReason reason : {DropReason::kNone, DropReason::kPolicyIngress,
                                  DropReason::kFragmentOverlap, DropReason::kFragmentDuplicate}) {
    EXPECT_GT(seen[reason], 1000u) << DropReasonName(reason);
  }
}

// Small pieces in shuffled order: the bound on pieces, and more of them waiting than one burst
// holds.
TEST(FragmentDifferential, AgreesOnDatagramsOfManyPieces) {
  std::mt19937 random(Seed());
  for (int round = 0; round < 200; ++round) {
    FragmentRig rig({.timeout_ms = kTimeoutMs, .held_segments = 1u << 20, .held_by_all = 1u << 21});
    NaiveFragments naive(kTimeoutMs);
    const unsigned count = 60 + static_cast<unsigned>(random() % 8);  // around the bound
    std::vector<FragmentInput> pieces;
    for (unsigned i = 0; i < count; ++i) {
      FragmentInput input;
      input.fragment = {1, static_cast<uint16_t>(i * 8), 8, i + 1 < count};
      input.port = static_cast<uint16_t>(round);
      pieces.push_back(input);
    }
    std::shuffle(pieces.begin(), pieces.end(), random);
    for (size_t at = 0; at < pieces.size(); at += dataplane::kBurstSize) {
      const std::span burst = std::span(pieces).subspan(
          at, std::min<size_t>(dataplane::kBurstSize, pieces.size() - at));
      std::vector<FragmentRig::Event> got = rig.Feed(burst);
      std::vector<FragmentRig::Event> expected = naive.Feed(burst);
      std::sort(got.begin(), got.end(), Before);
      std::sort(expected.begin(), expected.end(), Before);
      ASSERT_EQ(got, expected) << "round " << round;
    }
    ASSERT_EQ(rig.Waiting(), naive.waiting());
  }
}

}  // namespace
}  // namespace sluice::test
