// A directory that somebody else writes in, by a way on which none of its symbolic links is
// followed.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <utility>

namespace sluice::dataplane {

// The directory itself, whatever becomes of its name: one that is made anew under that name is
// another. Move-only.
class SealedDirectory {
 public:
  // Needs CAP_SYS_ADMIN and Linux 5.14. Errors: FailedPrecondition "directory PATH: REASON".
  static absl::StatusOr<SealedDirectory> Open(const std::string& path);

  SealedDirectory(SealedDirectory&& other) noexcept : mount_(std::exchange(other.mount_, -1)) {}
  SealedDirectory& operator=(SealedDirectory&& other) noexcept {
    std::swap(mount_, other.mount_);
    return *this;
  }
  ~SealedDirectory();

  // For any thread of this process, as long as this lives.
  std::string path() const;

 private:
  explicit SealedDirectory(int mount) : mount_(mount) {}

  int mount_;  // of the directory, attached nowhere; -1: none
};

}  // namespace sluice::dataplane
