// Timeouts that the operator writes: what is taken, what is refused and in which words.
#include "dataplane/timeout_setting.h"

#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::dataplane {
namespace {

TEST(TimeoutSetting, ChangesTheStateThatItNames) {
  Tracking tracking;
  EXPECT_TRUE(SetTimeout("established=432000", &tracking).ok());
  EXPECT_TRUE(SetTimeout("sctp_opening=1", &tracking).ok());
  EXPECT_EQ(tracking.Timeout(ConnectionState::kEstablished), 432'000'000u);
  EXPECT_EQ(tracking.Timeout(ConnectionState::kSctpOpening), 1'000u);
  EXPECT_EQ(tracking.Timeout(ConnectionState::kReplied), TimeoutMs(ConnectionState::kReplied));
}

TEST(TimeoutSetting, IsRefusedWithTheReasonAndChangesNothing) {
  const std::pair<const char*, const char*> cases[] = {
      {"established", "timeout established: is not STATE=SECONDS"},
      {"closed=3",
       "timeout closed=3: no such state; there are syn_sent, syn_received, established, closing, "
       "time_wait, reset, unreplied, replied, sctp_opening, sctp_established, sctp_closing, "
       "sctp_closed, sctp_heartbeat"},
      {"closing=0", "timeout closing=0: SECONDS must be 1 to 1000000"},
      {"closing=1000001", "timeout closing=1000001: SECONDS must be 1 to 1000000"},
      {"closing=-1", "timeout closing=-1: SECONDS must be 1 to 1000000"},
      {"closing=3s", "timeout closing=3s: SECONDS must be 1 to 1000000"},
      {"closing=", "timeout closing=: SECONDS must be 1 to 1000000"},
  };
  for (const auto& [text, message] : cases) {
    Tracking tracking;
    EXPECT_EQ(SetTimeout(text, &tracking).message(), message);
    EXPECT_EQ(tracking.timeout_ms, Tracking{}.timeout_ms);
  }
}

TEST(TimeoutSetting, IsWhenAConnectionAges) {
  Tracking tracking;
  ASSERT_TRUE(SetTimeout("unreplied=5", &tracking).ok());
  test::Testbed bed({.tracking = tracking});
  ASSERT_EQ(bed.Deliver('a', test::Testbed::From('a', 'b').Udp(1, 2).bytes()), "b");
  const auto turn = [&bed] {
    for (int i = 0; i < 3; ++i) bed.Turn();
  };
  bed.Advance(4'999);
  turn();
  EXPECT_EQ(bed.connections(), 1u);
  bed.Advance(1);
  for (int i = 0; i < 50 && bed.connections() > 0; ++i) {
    bed.Advance(100);
    turn();
  }
  EXPECT_EQ(bed.connections(), 0u) << "far before the default of 30 s";
}

}  // namespace
}  // namespace sluice::dataplane
