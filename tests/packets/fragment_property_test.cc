// Fragments shuffled, doubled, interleaved, burst by burst: a datagram arrives whole or not at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/support/cut.h"
#include "tests/support/seed.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;

struct Sent {
  Bytes frame;
  bool allowed;
};

class Shuffler {
 public:
  explicit Shuffler(uint32_t seed) : random_(seed) {}
  unsigned Below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  // One datagram's fragments, some twice.
  void AddDatagram(std::vector<Sent>& out, bool allowed, uint32_t identification) {
    const int family = Below(2) == 0 ? 4 : 6;
    const std::string data(64 + Below(1300), 'x');
    Frame frame = family == 4 ? Testbed::From('a', 'b') : Testbed::From6('a', 'b');
    const Bytes whole =
        frame.Udp(static_cast<uint16_t>(1000 + Below(3)), allowed ? 53 : 80, data).bytes();
    for (const Bytes& piece : Cut(whole, identification, 64 + 8 * Below(60))) {
      const unsigned copies = 1 + (Below(4) == 0 ? 1 : 0);
      for (unsigned i = 0; i < copies; ++i) out.push_back({piece, allowed});
    }
  }

  std::vector<Sent> Round(uint32_t& identification) {
    std::vector<Sent> frames;
    for (unsigned i = 0; i < 4; ++i) AddDatagram(frames, Below(2) == 0, ++identification);
    std::shuffle(frames.begin(), frames.end(), random_);
    return frames;
  }

 private:
  std::mt19937 random_;
};

TEST(FragmentProperty, AnyOrderWithCopiesDeliversAllOrNothing) {
  Shuffler shuffler(Seed());
  Testbed bed;
  acl::NetworkPolicy only = Isolate("dns", "b", {"Ingress"});
  only.ingress = {Admit("", "UDP", 53)};
  bed.Apply({only});
  uint32_t identification = 0;
  for (int round = 0; round < 400; ++round) {
    std::map<Bytes, unsigned> expected;
    uint64_t sent = 0;
    for (const Sent& one : shuffler.Round(identification)) {
      if (one.allowed) expected[one.frame] = 1;
      bed.Send('a', one.frame);
      ++sent;
      if (shuffler.Below(3) == 0) bed.Turn();
    }
    for (int i = 0; i < 4; ++i) bed.Turn();
    const uint64_t drops = bed.Drops('a');
    std::map<Bytes, unsigned> got;
    for (const Bytes& frame : bed.Received('b')) ++got[frame];
    // A copy that comes after its datagram was complete is the start of another one: a first
    // fragment passes, a later one waits.
    for (auto& [frame, count] : got) {
      EXPECT_TRUE(expected.contains(frame)) << "a denied fragment passed";
      count = std::min(count, 1u);
    }
    ASSERT_EQ(got, expected) << "round " << round;
    EXPECT_EQ(bed.Drops('a', DropReason::kFragmentOverlap), 0u);
    EXPECT_EQ(bed.Drops('a', DropReason::kFragmentTimeout) +
                  bed.Drops('a', DropReason::kFragmentDuplicate) +
                  bed.Drops('a', DropReason::kFragmentLimit) +
                  bed.Drops('a', DropReason::kPolicyIngress),
              drops)
        << "of " << sent;
  }
}

}  // namespace
}  // namespace sluice::test
