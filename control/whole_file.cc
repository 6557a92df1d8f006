#include "control/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "control/file_descriptor.h"

namespace sluice::control {
namespace {

absl::Status SystemError(const std::string& path, int error) {
  const std::string message = fmt::format("{}: {}", path, std::generic_category().message(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

// 0, or the errno of what failed.
int WriteNew(const std::string& path, const std::string& content, mode_t mode) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file.IsOpen()) return errno;
  if (const int error = WriteAll(file.get(), content); error != 0) return error;
  return fsync(file.get()) == 0 ? 0 : errno;
}

// A rename is on disk when its directory is.
int SyncDirectoryOf(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const FileDescriptor opened(
      open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened.IsOpen() && fsync(opened.get()) == 0 ? 0 : errno;
}

}  // namespace

int WriteAll(int fd, const std::string& content) {
  for (size_t done = 0; done < content.size();) {
    const ssize_t wrote = write(fd, content.data() + done, content.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    done += static_cast<size_t>(wrote);
  }
  return 0;
}

absl::Status WriteWholeFile(const std::string& path, const std::string& content, mode_t mode) {
  const std::string draft = path + ".new";
  absl::Status status;
  if (const int error = WriteNew(draft, content, mode); error != 0) {
    status = SystemError(draft, error);
  } else if (std::rename(draft.c_str(), path.c_str()) != 0) {
    status = SystemError(path, errno);
  }
  if (!status.ok()) {
    unlink(draft.c_str());
    return status;
  }
  const int error = SyncDirectoryOf(path);
  return error == 0 ? absl::OkStatus() : SystemError(path, error);
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? SystemError(path, error.value()) : absl::OkStatus();
}

absl::Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return absl::OkStatus();
  return SystemError(path, errno);
}

}  // namespace sluice::control
