#include "control/listen_socket.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "control/try_connect.h"

namespace sluice::control {
namespace {

constexpr std::string_view kScheme = "unix:";
constexpr mode_t kOthers = 0077;

absl::Status Failed(const std::string& path, int error) {
  return absl::FailedPreconditionError(fmt::format("listen: {}: {}", path, std::strerror(error)));
}

absl::Status CreateDirectoryOf(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  const OwnerOnlyFiles owner_only;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Failed(directory.string(), error.value());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ParseListenAddress(const std::string& address) {
  auto bad = [&](std::string_view why) {
    return absl::InvalidArgumentError(fmt::format("listen: \"{}\" {}", address, why));
  };
  if (!address.starts_with(kScheme)) {
    return bad(
        "is not unix:///PATH: TCP is taken only with mutual TLS, which this version does not have");
  }
  std::string path = address.substr(kScheme.size());
  if (path.starts_with("//")) path.erase(0, 2);
  if (!path.starts_with('/')) return bad("does not name an absolute path");
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return bad(fmt::format("has a path of {} characters; a unix socket's may have {}", path.size(),
                           sizeof(sockaddr_un::sun_path) - 1));
  }
  return path;
}

absl::Status PrepareSocketPath(const std::string& path) {
  absl::Status created = CreateDirectoryOf(path);
  if (!created.ok()) return created;
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Failed(path, errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return absl::AlreadyExistsError(fmt::format("listen: {}: exists and is not a socket", path));
  }
  const int error = TryConnect(path);
  if (error == 0 || error == EAGAIN) {
    return absl::AlreadyExistsError(fmt::format("listen: {}: another process listens there", path));
  }
  if (error != ECONNREFUSED) return Failed(path, error);
  if (unlink(path.c_str()) != 0) return Failed(path, errno);
  return absl::OkStatus();
}

OwnerOnlyFiles::OwnerOnlyFiles() : previous_(umask(kOthers)) {}
OwnerOnlyFiles::~OwnerOnlyFiles() { umask(previous_); }

}  // namespace sluice::control
