#include "control/whole_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temporary_directory.h"

namespace sluice::control {
namespace {

using ::testing::HasSubstr;

class WholeFileTest : public ::testing::Test {
 protected:
  std::string Content() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  ptrdiff_t Files() const {
    return std::distance(std::filesystem::directory_iterator(directory_.path()), {});
  }

  const test::TemporaryDirectory directory_;
  const std::string path_ = directory_ / "file";
};

TEST_F(WholeFileTest, TheNewContentTakesThePlaceOfTheOld) {
  for (const std::string& content :
       {std::string(1 << 20, 'x'), std::string("short"), std::string()}) {
    ASSERT_TRUE(WriteWholeFile(path_, content, 0600).ok());
    EXPECT_EQ(Content(), content);
    EXPECT_EQ(Files(), 1);
  }
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
}

TEST_F(WholeFileTest, WhatCannotBePutInPlaceLeavesNothing) {
  std::filesystem::create_directories(path_ + "/taken");
  const absl::Status failed = WriteWholeFile(path_, "x", 0600);
  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(failed.message()), HasSubstr(path_));
  EXPECT_EQ(Files(), 1);
  EXPECT_EQ(WriteWholeFile(path_ + "/none/file", "x", 0600).code(), absl::StatusCode::kNotFound);
}

TEST_F(WholeFileTest, WhatIsNotThereIsRemoved) {
  EXPECT_TRUE(RemoveFile(path_).ok());
  ASSERT_TRUE(WriteWholeFile(path_, "x", 0600).ok());
  EXPECT_TRUE(RemoveFile(path_).ok());
  EXPECT_EQ(Files(), 0);
  EXPECT_FALSE(RemoveFile(directory_.path()).ok());
}

}  // namespace
}  // namespace sluice::control
