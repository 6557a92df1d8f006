// What no call took away, and what may live.
#include "control/cni/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "tests/unit/control/cni/commands_case.h"

namespace sluice::cni {
namespace {

// Pods whose runtime says where their namespaces are.
class SweepTest : public CommandsTest {
 protected:
  // Symbolic links to one: they are as good for who looks.
  void MakeNamespace(const std::string& name) {
    std::filesystem::create_directories(directory_ / "netns");
    std::filesystem::create_symlink("/proc/self/ns/net", PathOf(name));
  }
  std::string PathOf(const std::string& name) const { return directory_ / "netns" / name; }
  // An attachment of a pod whose namespace is at `netns`, made without a call.
  void Make(const std::string& container, const std::string& netns,
            const std::string& network = "pods") {
    Record record;
    record.id = {network, container, "net1"};
    record.state = Record::State::kAdded;
    record.daemon = "unix:///run/sluice/sluiced.sock";
    record.netns = netns;
    ASSERT_TRUE(Store().Save(record).ok());
    daemon_.ports[PortNameOf(record.id)].spec.attachment = ToText(record.id);
  }
  std::set<std::string> Containers() {
    std::set<std::string> containers;
    for (const auto& [name, port] : daemon_.ports) {
      containers.insert(ParseAttachment(port.spec.attachment)->container);
    }
    return containers;
  }
};

TEST_F(SweepTest, TheNextAddTakesWhatAPodWithoutDelLeft) {
  MakeNamespace("other");
  Make("gone", PathOf("gone"));
  Make("other", PathOf("other"));
  EXPECT_TRUE(Run("ADD", Add).ok());
  EXPECT_THAT(Containers(), ::testing::UnorderedElementsAre("other", "web"));
  EXPECT_EQ(Records(), 2u);
}

TEST_F(SweepTest, SoDoDelAndGcAndAStatusThatFindsNoRoom) {
  MakeNamespace("other");
  const auto is_left = [this] { return Containers().contains("gone"); };
  Make("gone", PathOf("gone"));
  EXPECT_TRUE(Run("DEL", Delete).ok());
  EXPECT_FALSE(is_left());
  Make("gone", PathOf("gone"));
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_FALSE(is_left());
  Make("gone", PathOf("gone"));
  EXPECT_TRUE(Run("STATUS", Status).ok());
  EXPECT_TRUE(is_left());
  daemon_.state->port_slots = daemon_.state->ports = 1;
  daemon_.on_delete = [this] { daemon_.state->ports = 0; };
  EXPECT_TRUE(Run("STATUS", Status).ok());
  EXPECT_FALSE(is_left());
}

TEST_F(SweepTest, APodThatMayLiveKeepsItsPort) {
  MakeNamespace("there");
  Make("there", PathOf("there"));
  Make("process", "/proc/4194305/ns/net");  // no process has this number
  Make("unknown", "");
  Make("another-network", PathOf("gone"), "others");
  std::filesystem::create_directories(directory_ / "unseen");
  std::ofstream(directory_ / "unseen" / "file");
  Make("unseen", directory_ / "unseen" / "gone");  // no namespace is to be seen there
  Make("no-directory", directory_ / "nowhere" / "gone");
  const std::set<std::string> before = Containers();
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_EQ(Containers(), before);
  EXPECT_EQ(before.size(), 6u);
}

TEST_F(SweepTest, WhatAnotherCallIsAtIsLeftToIt) {
  MakeNamespace("other");
  Make("gone", PathOf("gone"));
  auto other = Store().Lock({"pods", "gone", "net1"}, kNoWait);
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_EQ(Records(), 1u);
  other = absl::CancelledError();
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_EQ(Records(), 0u);
}

TEST_F(SweepTest, OneThatFailsHoldsUpNoOther) {
  MakeNamespace("other");
  Make("gone", PathOf("gone"));
  Make("gone-too", PathOf("gone"));
  unsigned deletions = 0;
  daemon_.on_delete = [&] {
    daemon_.remove = ++deletions == 1 ? absl::InternalError("device is stuck") : absl::OkStatus();
  };
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_EQ(deletions, 2u);
  EXPECT_EQ(Records(), 1u);
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_EQ(Records(), 0u);
}

TEST_F(SweepTest, ADaemonThatIsAwayIsAskedOnce) {
  MakeNamespace("other");
  for (const char* name : {"gone", "gone-too", "gone-as-well"}) Make(name, PathOf("gone"));
  unsigned deletions = 0;
  daemon_.on_delete = [&] { ++deletions; };
  daemon_.remove = absl::UnavailableError("away");
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_EQ(deletions, 1u);
  EXPECT_EQ(Records(), 3u);
  daemon_.remove = absl::OkStatus();
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_EQ(Records(), 0u);
}

TEST_F(SweepTest, NothingIsBegunWhenTheTimeIsUp) {
  MakeNamespace("other");
  Make("gone", PathOf("gone"));
  Run("GC", [](const Call& call) {
    SweepUntil(std::chrono::steady_clock::time_point::min(), call);
    return absl::OkStatus();
  }).IgnoreError();
  EXPECT_EQ(Records(), 1u);
}

}  // namespace
}  // namespace sluice::cni
