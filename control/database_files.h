// Compiled pattern databases in a directory, a file each: what a restarted daemon need not compile
// again.
//
// The names say what a database was made of and for (acl/pattern_set.h), so that a file is never
// out of date; those that were not asked for longest go. Any thread.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <mutex>
#include <string>

#include "acl/pattern_set.h"

namespace sluice::control {

class DatabaseFiles : public acl::DatabaseStore {
 public:
  static constexpr size_t kMost = 32;  // files

  // Makes the directory. Errors: MakeDirectories'.
  static absl::StatusOr<std::unique_ptr<DatabaseFiles>> Open(const std::string& directory);

  std::optional<std::string> Load(const std::string& name) override;
  void Save(const std::string& name, const std::string& bytes) override;

 private:
  explicit DatabaseFiles(std::string directory) : directory_(std::move(directory)) {}
  std::string PathOf(const std::string& name) const { return directory_ + "/" + name + ".hs"; }
  void Prune() const;

  const std::string directory_;
  std::mutex mutex_;
};

}  // namespace sluice::control
