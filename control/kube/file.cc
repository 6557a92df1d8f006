#include "control/kube/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "control/file_descriptor.h"

namespace sluice::control {
namespace {

absl::Status SystemError(const std::string& path, int error) {
  const std::string message = fmt::format("{}: {}", path, std::generic_category().message(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const FileDescriptor file(path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                        : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.IsOpen()) return SystemError(path, errno);
  std::string content;
  std::string chunk(size_t{1} << 16, '\0');
  while (true) {
    const ssize_t got = read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, errno);
    if (got == 0) return content;
    content.append(chunk, 0, static_cast<size_t>(got));
    if (content.size() > max_bytes) {
      return absl::InvalidArgumentError(
          fmt::format("{}: is larger than {} MiB", path, max_bytes >> 20));
    }
  }
}

}  // namespace sluice::control
