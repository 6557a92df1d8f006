#include "control/cni/socket_path.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "control/cni/cni_error.h"
#include "control/try_connect.h"
#include "control/whole_file.h"

namespace sluice::cni {
namespace {

constexpr mode_t kDirectoryMode = 0770;

absl::Status SystemError(const std::string& path, int error) {
  return Fail(kIo, fmt::format("socket: {}: {}", path, std::generic_category().message(error)));
}

bool IsSocket(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_socket(std::filesystem::symlink_status(path, error));
}

// Follows no link: the directory may be the pod's.
absl::Status GiveToGroup(const std::string& path, const std::string& name, mode_t mode) {
  if (!name.empty()) {
    const group* entry = getgrnam(name.c_str());
    if (entry == nullptr) {
      return Fail(kConfig,
                  fmt::format("configuration: socketGroup: there is no group \"{}\"", name));
    }
    if (lchown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0) {
      return SystemError(path, errno);
    }
  }
  const bool done = fchmodat(AT_FDCWD, path.c_str(), mode, AT_SYMLINK_NOFOLLOW) == 0;
  return done ? absl::OkStatus() : SystemError(path, errno);
}

}  // namespace

absl::StatusOr<std::string> SocketPathOf(const PortConfig& port, const Args& args) {
  const std::string& pod = args.pod_uid.empty() ? args.container_id : args.pod_uid;
  std::string path = fmt::format("{}/{}/{}.sock", port.socket_directory, pod, args.ifname);
  constexpr size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() <= kMost) return path;
  return Fail(kConfig, fmt::format("configuration: socketDirectory: {} has {} characters; a unix "
                                   "socket's path may have {}: choose a shorter directory",
                                   path, path.size(), kMost));
}

std::string PathInPod(const PortConfig& port, const std::string& path) {
  if (port.pod_socket_directory.empty()) return path;
  return std::filesystem::path(port.pod_socket_directory) / std::filesystem::path(path).filename();
}

absl::Status MakeWay(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
    return absl::OkStatus();
  }
  if (IsSocket(path) && control::TryConnect(path) == ECONNREFUSED) {
    return FailIo("socket: ", control::RemoveFile(path));
  }
  return Fail(
      kRefused,
      fmt::format("socket: {} exists already, and is in use or no socket: remove it", path));
}

absl::Status MakeSocketDirectory(const std::string& path, const PortConfig& port) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const absl::Status made = FailIo("socket: ", control::MakeDirectories(directory));
  if (!made.ok()) return made;
  return GiveToGroup(directory, port.socket_group, kDirectoryMode);
}

absl::Status ShareSocket(const std::string& path, const PortConfig& port) {
  return GiveToGroup(path, port.socket_group, port.socket_mode);
}

absl::Status RemoveSocket(const std::string& path) {
  absl::Status status =
      IsSocket(path) ? FailIo("socket: ", control::RemoveFile(path)) : absl::OkStatus();
  rmdir(std::filesystem::path(path).parent_path().c_str());  // fails while there are others
  return status;
}

}  // namespace sluice::cni
