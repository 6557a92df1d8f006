// Compiled patterns in a directory: found again, and not kept for ever.
#include "control/database_files.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace sluice::control {
namespace {

namespace fs = std::filesystem;

size_t FilesIn(const std::string& directory) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

TEST(DatabaseFiles, WhatOneProcessCompiledTheNextOneFinds) {
  const test::TemporaryDirectory directory;
  const std::string place = directory / "state/patterns";
  const std::vector<std::string> patterns = {"a+b"};
  ASSERT_TRUE(acl::PatternSet::Build(patterns, DatabaseFiles::Open(place)->get(), 4).ok());
  ASSERT_EQ(FilesIn(place), 1u);
  const fs::path file = *fs::directory_iterator(place);
  EXPECT_EQ(fs::status(file).permissions() & fs::perms::group_all, fs::perms::none);
  const auto written = fs::last_write_time(file);
  fs::last_write_time(file, written - std::chrono::hours(1));
  const auto again = acl::PatternSet::Build(patterns, DatabaseFiles::Open(place)->get(), 4);
  ASSERT_TRUE(again.ok());
  EXPECT_GE(fs::last_write_time(file), written) << "it was asked for";
  const std::string text = "aab";
  EXPECT_EQ((*again)->Scan({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, 0).size(),
            1u);
}

TEST(DatabaseFiles, ADamagedFileIsMadeAnew) {
  const test::TemporaryDirectory directory;
  const std::vector<std::string> patterns = {"a+b"};
  const auto files = *DatabaseFiles::Open(directory.path());
  ASSERT_TRUE(acl::PatternSet::Build(patterns, files.get(), 4).ok());
  const fs::path file = *fs::directory_iterator(directory.path());
  const auto size = fs::file_size(file);
  std::ofstream(file) << "damaged";
  ASSERT_TRUE(acl::PatternSet::Build(patterns, files.get(), 4).ok());
  EXPECT_EQ(fs::file_size(file), size);
}

TEST(DatabaseFiles, ThoseThatWereNotAskedForLongestGo) {
  const test::TemporaryDirectory directory;
  const auto files = *DatabaseFiles::Open(directory.path());
  const auto now = fs::file_time_type::clock::now();
  for (size_t i = 0; i < DatabaseFiles::kMost; ++i) {
    files->Save(fmt::format("{}", i), "bytes");
    fs::last_write_time(directory / fmt::format("{}.hs", i), now - std::chrono::minutes(100 - i));
  }
  EXPECT_TRUE(files->Load("0").has_value());
  files->Save("new", "bytes");
  EXPECT_EQ(FilesIn(directory.path()), DatabaseFiles::kMost);
  EXPECT_FALSE(files->Load("1").has_value());
  EXPECT_TRUE(files->Load("0").has_value());
}

}  // namespace
}  // namespace sluice::control
