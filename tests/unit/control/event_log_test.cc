// The event log: what a line says, rotation, a disk that is full.
#include "control/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/control/live_switch.h"

namespace sluice::control {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class EventLogTest : public LiveSwitch {
 protected:
  std::string File() const { return (directory_ / "events.json").string(); }
  std::unique_ptr<EventLog> Start(EventLogConfig config = {}) {
    config.file = File();
    auto log = EventLog::Start(config, *monitor_);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  static std::vector<json> Lines(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::vector<json> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
    return lines;
  }
};

TEST_F(EventLogTest, LinesSayWhoWhatAndWhy) {
  Apply({Allow("web", {{"app", "a"}}, 80)});
  {
    const auto log = Start();
    Send('a', Syn('a', 'b', 80));
    Send('a', Syn('a', 'b', 81));
    DeletePort('a');
  }
  const std::vector<json> lines = Lines(File());
  ASSERT_EQ(lines.size(), 3u);
  const json& let_in = lines[0];
  EXPECT_EQ(let_in["event"], "new");
  EXPECT_EQ(let_in["verdict"], "allow");
  EXPECT_EQ(let_in["from"]["pod"], "default/a");
  EXPECT_EQ(let_in["from"]["labels"], (json{{"app", "a"}}));
  EXPECT_EQ(let_in["to"]["port"], 80);
  EXPECT_EQ(let_in["ingress"]["policies"], (json{"NetworkPolicy default/web"}));
  EXPECT_EQ(let_in["ingress"]["rule"], "ingress[0]");
  EXPECT_THAT(let_in["time"].get<std::string>(), HasSubstr("T"));
  EXPECT_EQ(lines[1]["verdict"], "deny");
  EXPECT_EQ(lines[1]["reason"], "policy_ingress");
  EXPECT_EQ(lines[1]["packets"], 1);
  EXPECT_EQ(lines[2]["event"], "closed");
  EXPECT_GT(lines[2]["bytes"], 0);
  EXPECT_EQ(lines[2]["durationSeconds"], 0.0);
  AddPort('a');
}

TEST_F(EventLogTest, AFilterLeavesOutTheRest) {
  Apply({Allow("web", {{"app", "a"}}, 80)});
  {
    const auto log = Start({.filter = {.kinds = {dataplane::EventKind::kDenied}}});
    Send('a', Syn('a', 'b', 80));
    Send('a', Syn('a', 'b', 81));
  }
  const std::vector<json> lines = Lines(File());
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["event"], "denied");
}

TEST_F(EventLogTest, FullFilesAreRotatedAndTheOldestGoes) {
  {
    const auto log = Start({.file_bytes = 2000, .files = 2});
    for (uint16_t port = 1; port <= 40; ++port) Send('a', From('a', 'b').Udp(port, 2));
  }
  EXPECT_FALSE(Lines(File()).empty());
  size_t kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    if (entry.path().filename().string().find("events") == std::string::npos) continue;
    ++kept;
    EXPECT_LE(entry.file_size(), 2000u);
    EXPECT_FALSE(Lines(entry.path()).empty());
  }
  EXPECT_EQ(kept, 3u);
}

TEST_F(EventLogTest, WhatFoundNoRoomIsCountedAndSaid) {
  std::filesystem::create_symlink("/dev/full", File());
  const auto log = Start({.file_bytes = 1 << 20});
  Send('a', From('a', 'b').Udp(1, 2));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (log->suppressed() + log->written() == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(log->suppressed(), 1u) << "a full disk";
  EXPECT_EQ(log->written(), 0u);
}

TEST_F(EventLogTest, AFileThatCannotBeMadeIsNamed) {
  const auto log = EventLog::Start({.file = "/proc/no/such"}, *monitor_);
  EXPECT_EQ(log.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(log.status().message()), HasSubstr("event log /proc/no/such: "));
}

}  // namespace
}  // namespace sluice::control
