#include "control/kube/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::control {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : is_stdin_(path == "-"),
        fd_(is_stdin_ ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (!is_stdin_ && fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }

 private:
  bool is_stdin_;
  int fd_;
};

absl::Status SystemError(const std::string& path, int error) {
  const std::string message = fmt::format("{}: {}", path, std::generic_category().message(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const Descriptor file(path);
  if (file.fd() < 0) return SystemError(path, errno);
  std::string content;
  std::string chunk(size_t{1} << 16, '\0');
  while (true) {
    const ssize_t got = read(file.fd(), chunk.data(), chunk.size());
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
