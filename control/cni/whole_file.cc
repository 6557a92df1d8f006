#include "control/cni/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "control/cni/cni_error.h"

namespace sluice::cni {
namespace {

absl::Status SystemError(const std::string& path, const std::error_code& error) {
  return Fail(kIo, fmt::format("{}: {}", path, error.message()));
}

std::error_code LastError() { return {errno, std::generic_category()}; }

// On disk when it returns.
std::error_code Write(const std::string& path, const std::string& content) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return LastError();
  std::error_code error;
  for (size_t done = 0; done < content.size() && !error;) {
    const ssize_t wrote = write(fd, content.data() + done, content.size() - done);
    if (wrote < 0 && errno != EINTR) error = LastError();
    if (wrote > 0) done += static_cast<size_t>(wrote);
  }
  if (!error && fsync(fd) != 0) error = LastError();
  close(fd);
  return error;
}

}  // namespace

absl::Status WriteWholeFile(const std::string& path, const std::string& content) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return SystemError(path, error);
  const std::string draft = fmt::format("{}.{}.tmp", path, getpid());
  error = Write(draft, content);
  if (!error && std::rename(draft.c_str(), path.c_str()) != 0) error = LastError();
  if (!error) return absl::OkStatus();
  unlink(draft.c_str());
  return SystemError(path, error);
}

absl::Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return absl::OkStatus();
  return SystemError(path, LastError());
}

}  // namespace sluice::cni
