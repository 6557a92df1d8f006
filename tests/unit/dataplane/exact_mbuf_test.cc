// That the sanitizer would see a parser that reads one byte too far: readers that do, on the
// buffers that parser, tracker and fragment tests use, must be caught.
#include "tests/support/exact_mbuf.h"

#include <gtest/gtest.h>

#include "tests/support/testbed.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_ASAN 1
#endif
#endif

namespace sluice::test {
namespace {

#ifdef SLUICE_ASAN
constexpr bool kAsan = true;
#else
constexpr bool kAsan = false;
#endif

// Reads [0, length) of the first segment, and asks nobody.
unsigned Sum(const rte_mbuf* mbuf, size_t length) {
  const auto* data = rte_pktmbuf_mtod(mbuf, const volatile uint8_t*);
  unsigned sum = 0;
  for (size_t i = 0; i < length; ++i) sum += data[i];
  return sum;
}

Bytes Sample() { return Testbed::From('a', 'b').Udp(1, 2, "payload").bytes(); }

TEST(ExactMbufDeathTest, AReadOneByteBeyondTheFrameIsCaught) {
  if (!kAsan) GTEST_SKIP() << "built without AddressSanitizer";
  const Bytes frame = Sample();
  ExactMbuf buffer(frame);
  EXPECT_GT(Sum(buffer.get(), frame.size()), 0u);
  EXPECT_DEATH(Sum(buffer.get(), frame.size() + 1), "heap-buffer-overflow");
}

TEST(ExactMbufDeathTest, AReadOneByteBeyondTheFirstSegmentIsCaught) {
  if (!kAsan) GTEST_SKIP() << "built without AddressSanitizer";
  const Bytes frame = Sample();
  ExactMbuf buffer(frame, 20);
  EXPECT_EQ(buffer.get()->nb_segs, 2);
  EXPECT_EQ(buffer.get()->pkt_len, frame.size());
  EXPECT_GT(Sum(buffer.get(), 20), 0u);
  EXPECT_DEATH(Sum(buffer.get(), 21), "heap-buffer-overflow");
}

}  // namespace
}  // namespace sluice::test
