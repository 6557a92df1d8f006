#include "dataplane/network_namespace.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace sluice::dataplane {
namespace {

bool AreOne(int one, int other) {
  struct stat a {
  }, b{};
  return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

}  // namespace

absl::StatusOr<NetworkNamespaceScope> NetworkNamespaceScope::Enter(const std::string& path) {
  const auto failed = [&path](int error) {
    const bool is_none = error == ENOENT || error == ENOTDIR || error == EINVAL;
    return absl::Status(
        is_none ? absl::StatusCode::kNotFound : absl::StatusCode::kFailedPrecondition,
        fmt::format("network namespace {}: {}", path, std::generic_category().message(error)));
  };
  const int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0) return failed(errno);
  const int other = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool own = other >= 0 && AreOne(home, other);
  const bool entered = other >= 0 && !own && setns(other, CLONE_NEWNET) == 0;
  const int error = errno;
  if (other >= 0) close(other);
  if (entered) return NetworkNamespaceScope(home);
  close(home);
  if (!own) return failed(error);
  return absl::FailedPreconditionError(
      fmt::format("network namespace {}: is this process's own", path));
}

NetworkNamespaceScope::~NetworkNamespaceScope() {
  if (home_ < 0) return;
  // In the wrong namespace, everything after this would go wrong unseen.
  if (setns(home_, CLONE_NEWNET) != 0) std::abort();
  close(home_);
}

}  // namespace sluice::dataplane
