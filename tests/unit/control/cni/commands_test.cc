// The commands against a daemon that says what a test wants.
#include "control/cni/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "control/cni/cni_error.h"
#include "tests/unit/control/cni/commands_case.h"
#include "tests/unit/control/cni/made_sysfs.h"

namespace sluice::cni {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

TEST_F(CommandsTest, StatusNamesWhatIsNotFit) {
  struct Case {
    DaemonState state;
    int code;
    const char* says;
  };
  const Case cases[] = {{{0, 100, 0, "", {"default"}}, kNotAvailable, "no workers"},
                        {{1, 100, 0, "", {"blue"}}, kNotAvailable, "no network \"default\""},
                        {{1, 100, 0, "too many rules", {"default"}}, kLimited, "too many rules"},
                        {{1, 100, 100, "", {"default"}}, kLimited, "100 packet buffers"}};
  EXPECT_TRUE(Run("STATUS", Status).ok());
  for (const Case& wrong : cases) {
    daemon_.state = wrong.state;
    const absl::Status status = Run("STATUS", Status);
    EXPECT_EQ(CodeOf(status), wrong.code);
    EXPECT_THAT(std::string(status.message()), HasSubstr(wrong.says));
  }
  daemon_.state = absl::UnavailableError("away");
  EXPECT_EQ(CodeOf(Run("STATUS", Status)), kNotAvailable);
}

TEST_F(CommandsTest, StatusIsNotFitWithoutASlotForAnotherPort) {
  const json function = {{"port", "sriov"}, {"deviceID", "0000:03:00.6"}};
  daemon_.state->ports = daemon_.state->port_slots = 1023;
  const absl::Status full = Run("STATUS", Status);
  EXPECT_EQ(CodeOf(full), kNotAvailable);
  EXPECT_THAT(std::string(full.message()), HasSubstr("all of its 1023 port slots"));
  daemon_.state->ports = 1022;
  EXPECT_TRUE(Run("STATUS", Status).ok());
  daemon_.state->devices = daemon_.state->device_slots = 32;
  for (const char* kind : {"vhost-user", "tap"}) {
    EXPECT_TRUE(Run("STATUS", Status, {{"port", kind}}).ok()) << kind << " needs no device";
  }
  const absl::Status no_device = Run("STATUS", Status, function);
  EXPECT_EQ(CodeOf(no_device), kNotAvailable);
  EXPECT_THAT(std::string(no_device.message()), HasSubstr("all of the 32 devices"));
  daemon_.state = DaemonState{1, 100, 0, "", {"default"}};  // an older one says nothing of slots
  EXPECT_TRUE(Run("STATUS", Status, function).ok());
}

TEST_F(CommandsTest, AnAddThatIsRefusedLeavesNothing) {
  daemon_.add = absl::AlreadyExistsError("port x: MAC y belongs to port z");
  const auto added = Run("ADD", Add);
  EXPECT_EQ(CodeOf(added.status()), kRefused);
  EXPECT_EQ(Records(), 0u);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "pods" / "uid"));
}

TEST_F(CommandsTest, AnAddWhoseDaemonGoesLeavesATombstoneThatTheNextOneClears) {
  daemon_.add = daemon_.remove = absl::UnavailableError("away");
  EXPECT_EQ(CodeOf(Run("ADD", Add).status()), kTryAgain);
  EXPECT_EQ(Records(), 1u);
  daemon_.add = daemon_.remove = absl::OkStatus();
  EXPECT_TRUE(Run("ADD", Add).ok());
  EXPECT_EQ(daemon_.ports.size(), 1u);
  EXPECT_TRUE(Run("DEL", Delete).ok());
  EXPECT_EQ(daemon_.ports.size(), 0u);
  EXPECT_EQ(Records(), 0u);
}

const AttachmentId kWeb{"pods", "web", "net1"}, kDb{"pods", "db", "net1"};

TEST_F(CommandsTest, ACallForAnAttachmentThatAnotherOneIsAtIsToBeTriedAgain) {
  const json impatient = {{"timeoutSeconds", 1}};
  auto other = Store().Lock(kWeb, kNoWait);
  ASSERT_TRUE(other.ok()) << other.status();
  const absl::Status added = Run("ADD", Add, impatient).status();
  EXPECT_EQ(CodeOf(added), kTryAgain);
  EXPECT_THAT(std::string(added.message()), HasSubstr("pods/web/net1: another call"));
  EXPECT_EQ(CodeOf(Run("DEL", Delete, impatient)), kTryAgain);
  EXPECT_TRUE(Store().Lock(kDb, kNoWait).ok());
  other = absl::CancelledError();
  EXPECT_TRUE(Run("ADD", Add, impatient).ok());
  EXPECT_TRUE(Run("DEL", Delete, impatient).ok());
}

TEST_F(CommandsTest, TheSweepLeavesWhatAnotherCallIsAt) {
  Record gone;
  gone.id = kDb;
  gone.state = Record::State::kGone;
  gone.daemon = "unix:///run/sluice/sluiced.sock";
  ASSERT_TRUE(Store().Save(gone).ok());
  daemon_.ports[PortNameOf(kDb)] = {};
  auto other = Store().Lock(kDb, kNoWait);
  ASSERT_TRUE(Run("ADD", Add).ok());
  EXPECT_EQ(daemon_.ports.size(), 2u);
  other = absl::CancelledError();
  EXPECT_TRUE(Run("DEL", Delete).ok());
  EXPECT_EQ(daemon_.ports.size(), 0u);
  EXPECT_EQ(Records(), 0u);
}

TEST_F(CommandsTest, ADaemonThatIsAwayFindsATombstoneUntilThePortComesAgain) {
  const std::filesystem::path state = directory_ / "daemon",
                              file = state / "deleted" / PortNameOf(kWeb);
  std::filesystem::create_directories(state / "deleted");
  const json keys = {{"daemonStateDirectory", state}};
  bool was_there = false;
  daemon_.on_delete = [&] { was_there = std::filesystem::exists(file); };
  ASSERT_TRUE(Run("ADD", Add, keys).ok());
  daemon_.remove = absl::UnavailableError("away");
  EXPECT_TRUE(Run("DEL", Delete, keys).ok());
  EXPECT_TRUE(was_there);
  EXPECT_TRUE(std::filesystem::exists(file));
  daemon_.remove = absl::OkStatus();
  EXPECT_TRUE(Run("ADD", Add, keys).ok());
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_TRUE(Run("DEL", Delete, keys).ok());
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(CommandsTest, DelFailsIfADaemonThatIsAwayCouldBringThePortBack) {
  const json keys = {{"daemonStateDirectory", directory_ / "daemon"}};
  ASSERT_TRUE(Run("ADD", Add, keys).ok());
  daemon_.remove = absl::UnavailableError("away");
  std::filesystem::create_directories(directory_ / "daemon" / "deleted" / PortNameOf(kWeb));
  const absl::Status failed = Run("DEL", Delete, keys);
  EXPECT_EQ(CodeOf(failed), kIo);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("daemonStateDirectory"));
  EXPECT_EQ(Records(), 1u);
  std::filesystem::remove_all(directory_ / "daemon");  // it has kept nothing
  EXPECT_TRUE(Run("DEL", Delete, keys).ok());
}

TEST_F(CommandsTest, AVirtualFunctionsPortIsItsRepresentor) {
  MadeSysfs sysfs(directory_ / "sys");
  sysfs.AddPhysical("0000:03:00.0", "ens0", "e1");
  sysfs.AddVirtual("0000:03:00.0", 4, "0000:03:00.6");
  sysfs.AddInterface("0000:03:00.0", "eth0", "e1", "pf0vf4");
  const std::string info = directory_ / "devinfo" / "web.json";
  const json keys = {
      {"port", "sriov"},
      {"runtimeConfig",
       {{"ips", {"10.0.0.5/24"}}, {"deviceID", "0000:03:00.6"}, {"CNIDeviceInfoFile", info}}}};
  const auto added = Run("ADD", Add, keys);
  ASSERT_TRUE(added.ok()) << added.status();
  ASSERT_EQ(daemon_.ports.size(), 1u);
  const dataplane::PortSpec& spec = daemon_.ports.begin()->second.spec;
  EXPECT_EQ(spec.kind, dataplane::PortKind::kRepresentor);
  EXPECT_EQ(spec.path, "0000:03:00.0/vf4");
  EXPECT_TRUE(dataplane::Validate(spec).ok()) << dataplane::Validate(spec);
  EXPECT_EQ(macs_["0000:03:00.6"], spec.mac.ToString());
  EXPECT_EQ(ToJson(*added, "1.1.0")["interfaces"][0]["pciID"], "0000:03:00.6");
  EXPECT_EQ(json::parse(std::ifstream(info)), (json{{"type", "pci"},
                                                    {"version", "1.1.0"},
                                                    {"pci",
                                                     {{"pci-address", "0000:03:00.6"},
                                                      {"pf-pci-address", "0000:03:00.0"},
                                                      {"representor-device", "eth0"}}}}));
  EXPECT_TRUE(Run("DEL", Delete, keys).ok());
  EXPECT_FALSE(std::filesystem::exists(info));
  EXPECT_EQ(daemon_.ports.size(), 0u);
}

class VirtualFunctionTest : public CommandsTest {
 protected:
  VirtualFunctionTest() {
    MadeSysfs sysfs(directory_ / "sys");
    sysfs.AddPhysical("0000:03:00.0", "ens0", "e1");
    sysfs.AddVirtual("0000:03:00.0", 4, kPci);
    sysfs.AddInterface("0000:03:00.0", "eth0", "e1", "pf0vf4");
    macs_[kPci] = kOwn;
  }
  static constexpr const char* kPci = "0000:03:00.6";
  static constexpr const char* kOwn = "02:00:00:00:00:06";
  const json keys_ = {{"port", "sriov"}, {"deviceID", kPci}, {"mac", "02:00:00:00:00:aa"}};
};

TEST_F(VirtualFunctionTest, DelPutsItsOwnMacBack) {
  ASSERT_TRUE(Run("ADD", Add, keys_).ok());
  EXPECT_EQ(macs_[kPci], "02:00:00:00:00:aa");
  EXPECT_TRUE(Run("DEL", Delete, keys_).ok());
  EXPECT_EQ(macs_[kPci], kOwn);
}

TEST_F(VirtualFunctionTest, AnAddThatFailsPutsItBackToo) {
  json keys = keys_;  // the device information is written last
  keys["runtimeConfig"] = {{"ips", {"10.0.0.5/24"}}, {"CNIDeviceInfoFile", "/proc/sluice/x"}};
  EXPECT_EQ(CodeOf(Run("ADD", Add, keys).status()), kIo);
  EXPECT_EQ(macs_[kPci], kOwn);
}

TEST_F(VirtualFunctionTest, ItIsPutBackOnceThoughTheDaemonIsToldLater) {
  ASSERT_TRUE(Run("ADD", Add, keys_).ok());
  daemon_.remove = absl::UnavailableError("away");
  EXPECT_TRUE(Run("DEL", Delete, keys_).ok());
  EXPECT_EQ(macs_[kPci], kOwn);
  macs_[kPci] = "02:00:00:00:00:bb";  // of the pod that has it now
  daemon_.remove = absl::OkStatus();
  EXPECT_TRUE(Run("DEL", Delete, keys_).ok());
  EXPECT_EQ(macs_[kPci], "02:00:00:00:00:bb");
}

TEST_F(VirtualFunctionTest, AMacThatTheDriverRefusesKeepsNoPodFromEnding) {
  ASSERT_TRUE(Run("ADD", Add, keys_).ok());
  set_mac = absl::UnavailableError("Invalid argument");
  EXPECT_TRUE(Run("DEL", Delete, keys_).ok());
  EXPECT_EQ(Records(), 0u);
}

TEST_F(VirtualFunctionTest, ADriverThatDoesNotSayItsMacIsNotTakenForOneWithoutAny) {
  macs_.clear();
  ASSERT_TRUE(Run("ADD", Add, keys_).ok());
  EXPECT_TRUE(Run("DEL", Delete, keys_).ok());
  EXPECT_EQ(macs_[kPci], "02:00:00:00:00:aa");
}

TEST_F(CommandsTest, AVirtualFunctionThatWouldBypassPolicyGetsNoPort) {
  MadeSysfs sysfs(directory_ / "sys");
  sysfs.AddPhysical("0000:05:00.0", "old0", "");
  sysfs.AddVirtual("0000:05:00.0", 0, "0000:05:00.2");
  const absl::Status refused =
      Run("ADD", Add, {{"port", "sriov"}, {"deviceID", "0000:05:00.2"}}).status();
  EXPECT_EQ(CodeOf(refused), kConfig);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("traffic would bypass policy"));
  EXPECT_EQ(daemon_.ports.size(), 0u);
  EXPECT_EQ(Records(), 0u);
  EXPECT_TRUE(macs_.empty());
}

TEST_F(CommandsTest, DelThatTheDaemonRefusesKeepsTheRecordForTheNext) {
  ASSERT_TRUE(Run("ADD", Add).ok());
  daemon_.remove = absl::InternalError("device is stuck");
  const absl::Status refused = Run("DEL", Delete);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("device is stuck"));
  EXPECT_EQ(Records(), 1u);
  daemon_.remove = absl::OkStatus();
  EXPECT_TRUE(Run("DEL", Delete).ok());
  EXPECT_EQ(Records(), 0u);
}

TEST_F(CommandsTest, GcGoesOnAfterErrorsAndTellsThemAll) {
  ASSERT_TRUE(Run("ADD", Add).ok());
  daemon_.list = absl::InternalError("cannot list");
  const json all_stale = {{"cni.dev/valid-attachments", json::array()}};
  const absl::Status status = Run("GC", CollectGarbage, all_stale);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot list"));
  EXPECT_EQ(daemon_.ports.size(), 0u);
  EXPECT_EQ(Records(), 0u);
}

TEST_F(CommandsTest, GcWithoutAListOfWhatIsValidTakesOnlyWhatDelLeft) {
  ASSERT_TRUE(Run("ADD", Add).ok());
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_EQ(daemon_.ports.size(), 1u);
  daemon_.remove = absl::UnavailableError("away");
  ASSERT_TRUE(Run("DEL", Delete).ok());
  EXPECT_EQ(Records(), 1u);
  daemon_.remove = absl::OkStatus();
  EXPECT_TRUE(Run("GC", CollectGarbage).ok());
  EXPECT_EQ(daemon_.ports.size(), 0u);
  EXPECT_EQ(Records(), 0u);
}

TEST_F(CommandsTest, CheckFindsAPortThatIsShut) {
  const auto added = Run("ADD", Add);
  ASSERT_TRUE(added.ok()) << added.status();
  const json previous = {{"prevResult", ToJson(*added, "1.1.0")}};
  EXPECT_TRUE(Run("CHECK", Check, previous).ok());
  daemon_.ports.begin()->second.is_known = false;
  const absl::Status status = Run("CHECK", Check, previous);
  EXPECT_EQ(CodeOf(status), kCheck);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is shut"));
}

TEST_F(CommandsTest, CheckFailsWhileTheNewestPoliciesAreNotInForce) {
  const auto added = Run("ADD", Add);
  ASSERT_TRUE(added.ok()) << added.status();
  const json previous = {{"prevResult", ToJson(*added, "1.1.0")}};
  daemon_.state->last_error = "too many rules";
  daemon_.state->epoch = 12;
  const absl::Status open = Run("CHECK", Check, previous);
  EXPECT_EQ(CodeOf(open), kTryAgain);
  EXPECT_THAT(std::string(open.message()), HasSubstr("pods/web/net1: epoch 12 is in force"));
  EXPECT_THAT(std::string(open.message()), HasSubstr("too many rules"));
  daemon_.ports.begin()->second.is_known = false;
  const absl::Status shut = Run("CHECK", Check, previous);
  EXPECT_EQ(CodeOf(shut), kCheck);
  EXPECT_THAT(std::string(shut.message()), HasSubstr("too many rules"));
  daemon_.ports.begin()->second.is_known = true;
  daemon_.state->last_error.clear();
  EXPECT_TRUE(Run("CHECK", Check, previous).ok());
}

}  // namespace
}  // namespace sluice::cni
