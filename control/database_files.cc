#include "control/database_files.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "control/whole_file.h"

namespace sluice::control {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kMode = 0600;

}  // namespace

absl::StatusOr<std::unique_ptr<DatabaseFiles>> DatabaseFiles::Open(const std::string& directory) {
  if (absl::Status made = MakeDirectories(directory); !made.ok()) return made;
  return std::unique_ptr<DatabaseFiles>(new DatabaseFiles(directory));
}

std::optional<std::string> DatabaseFiles::Load(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::ifstream file(PathOf(name), std::ios::binary);
  if (!file) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::error_code ignored;
  fs::last_write_time(PathOf(name), fs::file_time_type::clock::now(), ignored);
  return bytes;
}

void DatabaseFiles::Save(const std::string& name, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  const absl::Status written = WriteWholeFile(PathOf(name), bytes, kMode);
  if (!written.ok()) spdlog::warn("pattern database: {}", std::string(written.message()));
  Prune();
}

void DatabaseFiles::Prune() const {
  std::error_code ignored;
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, ignored)) {
    if (entry.path().extension() == ".hs") {
      files.emplace_back(entry.last_write_time(ignored), entry.path());
    }
  }
  if (files.size() <= kMost) return;
  std::ranges::sort(files);
  for (size_t i = 0; i + kMost < files.size(); ++i) fs::remove(files[i].second, ignored);
}

}  // namespace sluice::control
