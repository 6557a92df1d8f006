#include "control/cni/attachment_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "control/cni/cni_error.h"
#include "tests/support/temporary_directory.h"

namespace sluice::cni {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class AttachmentStoreTest : public ::testing::Test {
 protected:
  static Record ARecord() {
    Record record;
    record.id = {"pods", "c0ffee", "net1"};
    record.state = Record::State::kAdded;
    record.daemon = "unix:///run/sluiced.sock";
    record.netns = "/ns";
    record.mac = "02:00:00:00:00:01";
    record.addresses = {"10.0.0.5/24"};
    record.socket_path = "/run/net1.sock";
    record.device_info_file = "/run/devinfo";
    record.routes = {{{"dst", "10.9.0.0/16"}, {"gw", "10.0.0.1"}}};
    record.own_mac = "02:00:00:00:00:06";
    return record;
  }

  const test::TemporaryDirectory directory_;
};

TEST_F(AttachmentStoreTest, WhatWasSavedIsThere) {
  const AttachmentStore store(directory_ / "made" / "if-need-be");
  ASSERT_TRUE(store.Save(ARecord()).ok());
  const auto loaded = store.Load(ARecord().id);
  ASSERT_TRUE(loaded.ok() && *loaded);
  EXPECT_EQ((*loaded)->state, Record::State::kAdded);
  EXPECT_EQ((*loaded)->id, ARecord().id);
  EXPECT_EQ((*loaded)->mac, ARecord().mac);
  EXPECT_EQ((*loaded)->addresses, ARecord().addresses);
  EXPECT_EQ((*loaded)->socket_path, ARecord().socket_path);
  EXPECT_EQ((*loaded)->device_info_file, ARecord().device_info_file);
  EXPECT_EQ((*loaded)->routes, ARecord().routes);
  EXPECT_EQ((*loaded)->own_mac, ARecord().own_mac);
  EXPECT_THAT(*store.List(), SizeIs(1));
}

TEST_F(AttachmentStoreTest, WhatWasRemovedIsNot) {
  const AttachmentStore store(directory_.path());
  ASSERT_TRUE(store.Save(ARecord()).ok());
  EXPECT_TRUE(store.Remove(ARecord().id).ok());
  EXPECT_TRUE(store.Remove(ARecord().id).ok());
  EXPECT_EQ(*store.Load(ARecord().id), std::nullopt);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(AttachmentStoreTest, WithoutADirectoryThereIsNothing) {
  const AttachmentStore store(directory_ / "none");
  EXPECT_EQ(*store.Load(ARecord().id), std::nullopt);
  EXPECT_THAT(*store.List(), SizeIs(0));
}

TEST_F(AttachmentStoreTest, WhatAnEarlierVersionDidNotWriteIsNotThere) {
  const AttachmentStore store(directory_.path());
  std::ofstream(directory_ / (PortNameOf(ARecord().id) + ".json"))
      << R"({"state": "added", "network": "pods", "container": "c0ffee", "ifname": "net1"})";
  const auto loaded = store.Load(ARecord().id);
  ASSERT_TRUE(loaded.ok() && *loaded) << loaded.status();
  EXPECT_EQ((*loaded)->id, ARecord().id);
  EXPECT_THAT((*loaded)->routes, SizeIs(0));
  EXPECT_EQ((*loaded)->own_mac, "");
}

TEST_F(AttachmentStoreTest, RubbishIsNamedAndLeftOutOfTheList) {
  const AttachmentStore store(directory_.path());
  const std::string file = directory_ / (PortNameOf(ARecord().id) + ".json");
  for (const char* text : {"", "[]", R"({"state": "odd"})", R"({"state": "added", "mac": 7})",
                           R"({"state": "added", "routes": [{"dst": "home"}]})"}) {
    std::ofstream(file) << text;
    const auto loaded = store.Load(ARecord().id);
    EXPECT_EQ(CodeOf(loaded.status()), kIo);
    EXPECT_THAT(std::string(loaded.status().message()), HasSubstr(file));
    EXPECT_THAT(*store.List(), SizeIs(0));
  }
}

TEST_F(AttachmentStoreTest, ADirectoryThatCannotBeWrittenIsNamed) {
  const AttachmentStore store("/proc/sluice");
  const absl::Status saved = store.Save(ARecord());
  EXPECT_EQ(CodeOf(saved), kIo);
  EXPECT_THAT(std::string(saved.message()), HasSubstr("stateDirectory: /proc/sluice"));
}

}  // namespace
}  // namespace sluice::cni
