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

constexpr const char* kOwn = "/proc/thread-self/ns/net";

}  // namespace

bool IsOwnNetworkNamespace(const std::string& path) {
  struct stat own {
  }, other{};
  return stat(kOwn, &own) == 0 && stat(path.c_str(), &other) == 0 && own.st_dev == other.st_dev &&
         own.st_ino == other.st_ino;
}

absl::StatusOr<NetworkNamespaceScope> NetworkNamespaceScope::Enter(const std::string& path) {
  const auto failed = [&path](int error) {
    const bool is_none = error == ENOENT || error == ENOTDIR || error == EINVAL;
    return absl::Status(
        is_none ? absl::StatusCode::kNotFound : absl::StatusCode::kFailedPrecondition,
        fmt::format("network namespace {}: {}", path, std::generic_category().message(error)));
  };
  if (IsOwnNetworkNamespace(path)) {
    return absl::FailedPreconditionError(
        fmt::format("network namespace {}: is this process's own", path));
  }
  const int home = open(kOwn, O_RDONLY | O_CLOEXEC);
  if (home < 0) return failed(errno);
  const int other = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool entered = other >= 0 && setns(other, CLONE_NEWNET) == 0;
  const int error = errno;
  if (other >= 0) close(other);
  if (entered) return NetworkNamespaceScope(home);
  close(home);
  return failed(error);
}

NetworkNamespaceScope::~NetworkNamespaceScope() {
  if (home_ < 0) return;
  // In the wrong namespace, everything after this would go wrong unseen.
  if (setns(home_, CLONE_NEWNET) != 0) std::abort();
  close(home_);
}

}  // namespace sluice::dataplane
