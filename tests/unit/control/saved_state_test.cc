// What is kept on disk: one file, its damage, the way of a state there and back.
#include "control/grpc/saved_state.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "control/grpc/convert.h"
#include "control/grpc/port_convert.h"
#include "control/grpc/state_file.h"
#include "control/grpc/state_keeper.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/control/objects.h"
#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

using Directory = test::TemporaryDirectory;

std::string BytesOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void SetBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

v1::SavedPorts SomePorts() {
  v1::SavedPorts ports;
  ports.add_ports()->set_name("a");
  ports.add_networks()->set_name("default");
  return ports;
}

TEST(StateFile, WhatIsWrittenIsRead) {
  const Directory directory;
  const std::string path = directory / "ports";
  ASSERT_TRUE(WriteStateFile(path, "ports", SomePorts()).ok());
  v1::SavedPorts read;
  ASSERT_TRUE(ReadStateFile(path, "ports", &read).ok());
  EXPECT_EQ(read.SerializeAsString(), SomePorts().SerializeAsString());
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(StateFile, NoneIsNotFound) {
  const Directory directory;
  v1::SavedPorts read;
  EXPECT_TRUE(absl::IsNotFound(ReadStateFile(directory / "ports", "ports", &read)));
}

TEST(StateFile, OneThatIsCutShortOrChangedAnywhereIsNotTaken) {
  const Directory directory;
  const std::string path = directory / "ports";
  ASSERT_TRUE(WriteStateFile(path, "ports", SomePorts()).ok());
  const std::string good = BytesOf(path);
  v1::SavedPorts read;
  for (size_t length = 0; length < good.size(); ++length) {
    SetBytes(path, good.substr(0, length));
    EXPECT_TRUE(absl::IsDataLoss(ReadStateFile(path, "ports", &read))) << length;
  }
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x11);
    SetBytes(path, bad);
    EXPECT_TRUE(absl::IsDataLoss(ReadStateFile(path, "ports", &read))) << at;
  }
}

TEST(StateFile, AnotherKindOfFileIsNotTaken) {
  const Directory directory;
  const std::string path = directory / "ports";
  ASSERT_TRUE(WriteStateFile(path, "objects", v1::SavedObjects()).ok());
  v1::SavedPorts read;
  EXPECT_EQ(ReadStateFile(path, "ports", &read).message(),
            path + ": holds \"objects\", not \"ports\"");
}

TEST(StateFile, AnErrorNamesTheFileAndLeavesTheOldOne) {
  const Directory directory;
  const std::string path = directory / "ports";
  ASSERT_TRUE(WriteStateFile(path, "ports", SomePorts()).ok());
  std::filesystem::create_directory(path + ".new");  // in the way
  const absl::Status status = WriteStateFile(path, "ports", v1::SavedPorts());
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), path + ".new: Is a directory");
  v1::SavedPorts read;
  ASSERT_TRUE(ReadStateFile(path, "ports", &read).ok());
  EXPECT_EQ(read.ports_size(), 1);
}

// A switch and its controller, as one process has them.
class Daemon {
 public:
  explicit Daemon(StateListener* listener = nullptr)
      : controller_(*Controller::Create(fixture_.data_plane(), {}, listener)) {}

  uint64_t Do(Command command) {
    const Result result = controller_->Execute(std::move(command));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->epoch : 0;
  }
  Controller& controller() { return *controller_; }
  std::shared_ptr<const View> view() const { return controller_->view(); }

 private:
  SwitchFixture fixture_;
  std::unique_ptr<Controller> controller_;
};

dataplane::PortSpec Uplink(const std::string& name, const std::string& network) {
  dataplane::PortSpec spec;
  spec.name = name;
  spec.kind = dataplane::PortKind::kRing;
  spec.role = dataplane::PortRole::kUplink;
  spec.network = network;
  return spec;
}

NetworkSpec OnVlan(const std::string& name, const std::string& uplink, uint16_t vlan) {
  NetworkSpec spec;
  spec.name = name;
  spec.uplink = uplink;
  spec.vlan = vlan;
  return spec;
}

// Two sources, a stand-in, networks in an order that is not that of their names.
void Fill(Daemon& daemon) {
  acl::NetworkPolicy policy = DenyAll("shut");
  policy.options.judges_own_node = true;
  std::vector<Candidate> watched = Candidates(acl::Namespace{"default", {{"team", "a"}}},
                                              Pod("a", "10.0.0.1", {{"app", "a"}}, "u-1"), policy);
  watched.back().uid = "u-2";
  daemon.Do(SyncCommand{"watcher", std::move(watched), "v-7"});
  daemon.Do(ApplyCommand{"hand",
                         Candidates(Pod("b", "10.0.0.2"), BadPolicy("bad"),
                                    AllowName("names", "example.org", {"default/red"})),
                         OnRefusal::kSkip});
  daemon.Do(AddPortCommand{Uplink("trunk", "default")});
  daemon.Do(AddNetworkCommand{OnVlan("default/red", "trunk", 5)});
  daemon.Do(AddNetworkCommand{OnVlan("default/blue", "trunk", 6)});
  daemon.Do(AddPortCommand{RingPort("a", "a", "02:00:00:00:00:01", "10.0.0.1")});
  daemon.Do(AddPortCommand{RingPort("b", "b", "02:00:00:00:00:02", "10.0.0.2")});
}

TEST(SavedState, AllOfItComesBack) {
  v1::SavedObjects objects;
  v1::SavedPorts ports;
  std::shared_ptr<const DesiredState> before;
  std::map<std::string, dataplane::NetworkId> slots;
  {
    Daemon daemon;
    Fill(daemon);
    before = daemon.view()->state;
    for (const auto& [name, build] : daemon.view()->networks) slots[name] = build.id;
    objects = SaveObjects(*before);
    ports = SavePorts(*daemon.view());
  }
  Daemon daemon;
  const auto problems = Restore(objects, ports, daemon.controller());
  ASSERT_TRUE(problems.ok()) << problems.status();
  // A stand-in stands in again, and that is told.
  ASSERT_EQ(problems->size(), 1u);
  EXPECT_EQ(problems->front(), "NetworkPolicy default/bad: was not accepted before the restart");
  EXPECT_TRUE(daemon.view()->state->ports() == before->ports());
  for (const auto& [name, build] : daemon.view()->networks)
    EXPECT_EQ(build.id, slots[name]) << name;
  v1::SavedObjects again = SaveObjects(*daemon.view()->state);
  EXPECT_EQ(again.synced_versions().at("watcher"), "") << "it may have been told more since";
  (*again.mutable_synced_versions())["watcher"] = "v-7";
  EXPECT_EQ(again.SerializeAsString(), objects.SerializeAsString());
}

TEST(SavedState, APatternThatDoesNotCompileAnyMoreIsNamedAndItsPolicyIsolates) {
  v1::SavedObjects objects;
  v1::SavedObject* saved = objects.add_objects();
  acl::SluicePolicy policy = AllowName("names", "example.org");
  policy.egress[0].content.patterns = {{"a(", acl::PatternAction::kDeny}};
  ToProto(policy, saved->mutable_object());
  saved->set_source("hand");
  Daemon daemon;
  const auto problems = Restore(objects, {}, daemon.controller());
  ASSERT_TRUE(problems.ok()) << problems.status();
  ASSERT_EQ(problems->size(), 1u);
  EXPECT_EQ(problems->front(),
            "SluicePolicy default/names: Missing close parenthesis for group started at index 1.");
  const auto& owned = daemon.view()->state->sluice_policies().at({"default", "names"});
  EXPECT_TRUE(owned.stand_in);
  EXPECT_TRUE(owned.object.egress.empty());
}

TEST(SavedState, WhatCannotComeBackIsNamedAndTheRestDoes) {
  v1::SavedObjects objects;
  v1::SavedPorts ports;
  {
    Daemon daemon;
    Fill(daemon);
    objects = SaveObjects(*daemon.view()->state);
    ports = SavePorts(*daemon.view());
  }
  ports.mutable_ports(0)->set_kind("telegraph");
  Daemon daemon;
  const auto problems = Restore(objects, ports, daemon.controller());
  ASSERT_TRUE(problems.ok()) << problems.status();
  ASSERT_EQ(problems->size(), 2u);
  EXPECT_NE(problems->back().find("port a: "), std::string::npos) << problems->back();
  EXPECT_EQ(daemon.view()->state->ports().specs().size(), 2u);
  EXPECT_EQ(daemon.view()->state->endpoints().size(), 2u);
}

TEST(SavedState, AnUplinkOfALaterNetworkCarriesAnEarlierOne) {
  v1::SavedPorts ports;
  std::shared_ptr<const DesiredState> before;
  {
    Daemon daemon;
    daemon.Do(AddNetworkCommand{OnVlan("default/y", "", 0)});
    daemon.Do(AddPortCommand{Uplink("trunk", "default/y")});
    daemon.Do(AddNetworkCommand{OnVlan("default", "trunk", 10)});
    before = daemon.view()->state;
    ports = SavePorts(*daemon.view());
    ASSERT_EQ(ports.networks(0).name(), "default");
  }
  Daemon daemon;
  const auto problems = Restore({}, ports, daemon.controller());
  ASSERT_TRUE(problems.ok()) << problems.status();
  EXPECT_TRUE(problems->empty()) << problems->front();
  EXPECT_TRUE(daemon.view()->state->ports() == before->ports());
}

TEST(SavedState, WithoutItsUplinkANetworkIsNamedAndLeftOut) {
  v1::SavedPorts ports;
  ports.add_networks()->set_name("default");
  v1::NetworkSpec& red = *ports.add_networks();
  red.set_name("default/red");
  red.set_uplink("trunk");
  red.set_vlan(5);
  Daemon daemon;
  const auto problems = Restore({}, ports, daemon.controller());
  ASSERT_TRUE(problems.ok()) << problems.status();
  ASSERT_EQ(problems->size(), 1u);
  EXPECT_NE(problems->front().find("network default/red: "), std::string::npos);
}

TEST(SavedState, ASourceWhoseObjectsCannotBeTakenAtAllIsAnErrorBeforeAnyPodsPort) {
  v1::SavedObjects objects;
  objects.add_objects()->mutable_object()->mutable_namespace_()->set_name("x");  // nobody's
  v1::SavedPorts ports;
  PortToProto(RingPort("a", "a", "02:00:00:00:00:01", "10.0.0.1"), ports.add_ports());
  Daemon daemon;
  const auto problems = Restore(objects, ports, daemon.controller());
  EXPECT_EQ(problems.status().message(),
            "source \"\": source: is required: it names the owner of the objects");
  EXPECT_TRUE(daemon.view()->state->ports().specs().empty());
}

TEST(StateKeeper, WhatCouldNotBeWrittenIsTriedAgain) {
  const Directory directory;
  auto keeper = StateKeeper::Open(directory.path(), std::chrono::milliseconds(1));
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  for (const char* name : {"objects.new", "ports.new"}) {
    std::filesystem::create_directory(directory / name);  // in the way
  }
  Daemon daemon(keeper->get());
  (*keeper)->Begin(daemon.view());
  daemon.Do(ApplyCommand{"hand", Candidates(Pod("b", "10.0.0.2")), OnRefusal::kRefuseAll});
  daemon.Do(AddPortCommand{RingPort("b", "b", "02:00:00:00:00:02", "10.0.0.2")});
  EXPECT_FALSE(std::filesystem::exists(directory / "objects"));
  for (const char* name : {"objects.new", "ports.new"}) std::filesystem::remove(directory / name);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  v1::SavedObjects objects;
  v1::SavedPorts ports;
  while (!ReadStateFile(directory / "objects", "objects", &objects).ok() ||
         !ReadStateFile(directory / "ports", "ports", &ports).ok()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  EXPECT_EQ(objects.objects_size(), 1);
  EXPECT_EQ(ports.ports_size(), 1);
}

TEST(StateKeeper, WhatCannotComeBackStaysAside) {
  const Directory directory;
  ASSERT_TRUE(WriteStateFile(directory / "ports", "ports", SomePorts()).ok());
  auto keeper = StateKeeper::Open(directory.path());
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  (*keeper)->KeepAside();
  Daemon daemon(keeper->get());
  (*keeper)->Begin(daemon.view());
  v1::SavedPorts read;
  ASSERT_TRUE(ReadStateFile(directory / "ports.before", "ports", &read).ok());
  EXPECT_EQ(read.ports_size(), 1);
  ASSERT_TRUE(ReadStateFile(directory / "ports", "ports", &read).ok());
  EXPECT_EQ(read.ports_size(), 0);
}

TEST(StateKeeper, PortsAreOnDiskWhenTheirCallerIsAnswered) {
  const Directory directory;
  auto keeper = StateKeeper::Open(directory.path(), std::chrono::hours(1));
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  Daemon daemon(keeper->get());
  (*keeper)->Begin(daemon.view());
  const auto names = [&] {
    v1::SavedPorts saved;
    EXPECT_TRUE(ReadStateFile(directory / "ports", "ports", &saved).ok());
    std::string all;
    for (const v1::PortSpec& port : saved.ports()) all += port.name();
    return all;
  };
  EXPECT_EQ(names(), "");
  daemon.Do(AddPortCommand{RingPort("a", "a", "02:00:00:00:00:01", "10.0.0.1")});
  EXPECT_EQ(names(), "a");
  daemon.Do(AddPortCommand{RingPort("b", "b", "02:00:00:00:00:02", "10.0.0.2")});
  EXPECT_EQ(names(), "ab");
  daemon.Do(DeletePortCommand{"a"});
  EXPECT_EQ(names(), "b");
}

TEST(StateKeeper, WordOfADeletionThatCameAfterReadingIsThereUntilItIsHeeded) {
  const Directory directory;
  auto keeper = StateKeeper::Open(directory.path());
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  Daemon daemon(keeper->get());
  std::ofstream(directory / "deleted/a").close();
  (*keeper)->Begin(daemon.view());
  EXPECT_EQ((*keeper)->DeletedMeanwhile(), std::vector<std::string>{"a"});
  (*keeper)->ForgetDeletion("a");
  EXPECT_TRUE((*keeper)->DeletedMeanwhile().empty());
}

TEST(StateKeeper, ObjectsAreOnDiskAtTheEnd) {
  const Directory directory;
  {
    auto keeper = StateKeeper::Open(directory.path(), std::chrono::hours(1));
    ASSERT_TRUE(keeper.ok()) << keeper.status();
    Daemon daemon(keeper->get());
    (*keeper)->Begin(daemon.view());
    daemon.Do(ApplyCommand{"hand", Candidates(Pod("b", "10.0.0.2")), OnRefusal::kRefuseAll});
  }
  const auto keeper = StateKeeper::Open(directory.path());
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  ASSERT_EQ((*keeper)->objects().objects_size(), 1);
  EXPECT_EQ((*keeper)->objects().objects(0).source(), "hand");
}

TEST(StateKeeper, NothingIsWrittenBeforeItBegins) {
  const Directory directory;
  ASSERT_TRUE(WriteStateFile(directory / "ports", "ports", SomePorts()).ok());
  auto keeper = StateKeeper::Open(directory.path());
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  Daemon daemon(keeper->get());
  const std::string before = BytesOf(directory / "ports");
  daemon.Do(AddPortCommand{RingPort("b", "b", "02:00:00:00:00:02", "10.0.0.2")});
  EXPECT_EQ(BytesOf(directory / "ports"), before) << "half of what there was would be lost";
}

TEST(StateKeeper, APortThatWasDeletedMeanwhileDoesNotComeBack) {
  const Directory directory;
  v1::SavedPorts ports = SomePorts();
  ports.add_ports()->set_name("b");
  ASSERT_TRUE(WriteStateFile(directory / "ports", "ports", ports).ok());
  std::filesystem::create_directory(directory / "deleted");
  SetBytes(directory / "deleted/a", "");
  SetBytes(directory / "deleted/never-was", "");
  const auto keeper = StateKeeper::Open(directory.path());
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  ASSERT_EQ((*keeper)->ports().ports_size(), 1);
  EXPECT_EQ((*keeper)->ports().ports(0).name(), "b");
  EXPECT_TRUE(std::filesystem::exists(directory / "deleted/a")) << "it is still in the file";
  Daemon daemon(keeper->get());
  (*keeper)->Begin(daemon.view());
  EXPECT_TRUE(std::filesystem::is_empty(directory / "deleted"));
}

TEST(StateKeeper, ADirectoryHasOneProcess) {
  const Directory directory;
  const auto first = StateKeeper::Open(directory.path());
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = StateKeeper::Open(directory.path());
  EXPECT_EQ(second.status().message(),
            "state directory " + directory.path().string() + ": another process has it");
}

TEST(StateKeeper, ADamagedFileIsSetAsideAndTheOtherRead) {
  const Directory directory;
  ASSERT_TRUE(WriteStateFile(directory / "ports", "ports", SomePorts()).ok());
  SetBytes(directory / "objects", "scribble");
  const auto keeper = StateKeeper::Open(directory.path());
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  EXPECT_EQ((*keeper)->objects().objects_size(), 0);
  EXPECT_EQ((*keeper)->ports().ports_size(), 1);
  EXPECT_EQ(BytesOf(directory / "objects.damaged"), "scribble");
}

TEST(StateKeeper, ADirectoryThatCannotBeIsNamed) {
  const Directory directory;
  SetBytes(directory / "file", "");
  EXPECT_EQ(
      StateKeeper::Open(directory / "file").status().message(),
      "state directory " + (directory / "file").string() + ": cannot be used: Not a directory");
}

}  // namespace
}  // namespace sluice::control
