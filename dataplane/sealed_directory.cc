#include "dataplane/sealed_directory.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::dataplane {

absl::StatusOr<SealedDirectory> SealedDirectory::Open(const std::string& path) {
  const auto failed = [&path] {
    return absl::FailedPreconditionError(
        fmt::format("directory {}: links in it cannot be kept from being followed: {}", path,
                    std::generic_category().message(errno)));
  };
  SealedDirectory directory(open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (directory.mount_ < 0) return failed();
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSYMFOLLOW;
  const bool sealed =
      mount_setattr(directory.mount_, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) == 0;
  if (!sealed) return failed();
  return directory;
}

SealedDirectory::~SealedDirectory() {
  if (mount_ >= 0) close(mount_);
}

std::string SealedDirectory::path() const { return fmt::format("/proc/self/fd/{}", mount_); }

}  // namespace sluice::dataplane
