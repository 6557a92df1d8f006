#include "control/page_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace sluice::control {
namespace {

using Clock = std::chrono::steady_clock;

Clock::duration TimeToEnd(const std::string& address) {
  auto server = PageServer::Start("pages", address, {{"/", [] { return Page{}; }}});
  EXPECT_TRUE(server.ok()) << server.status();
  const auto start = Clock::now();
  if (server.ok()) server->reset();
  return Clock::now() - start;
}

// CivetWeb by itself takes up to 2 s, and nearly all of them just after its start. The best of
// several: others may have the machine.
TEST(PageServer, OneThatNobodyAsksEndsWithoutWaiting) {
  for (const char* address : {"127.0.0.1:0", "0.0.0.0:0"}) {
    const auto time = std::min({TimeToEnd(address), TimeToEnd(address), TimeToEnd(address)});
    EXPECT_LT(time, std::chrono::seconds(1)) << address;
  }
}

TEST(PageServer, AnAddressThatCannotBeIsRefusedByName) {
  const auto server = PageServer::Start("pages", "nowhere", {});
  EXPECT_EQ(server.status().message(), "pages nowhere: must be HOST:PORT");
}

}  // namespace
}  // namespace sluice::control
