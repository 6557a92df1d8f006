#include "control/grpc/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "sluice/v1/state.pb.h"

namespace sluice::control {
namespace {

constexpr uint32_t kFormat = 1;

absl::Status Failed(const std::string& path, const char* doing) {
  return absl::UnavailableError(fmt::format("{}: {}: {}", path, doing, std::strerror(errno)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status WriteNew(const std::string& path, const std::string& bytes) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) return Failed(path, "cannot be created");
  for (size_t written = 0; written < bytes.size();) {
    const ssize_t n = write(file.get(), bytes.data() + written, bytes.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed(path, "cannot be written");
    written += static_cast<size_t>(n);
  }
  return fsync(file.get()) == 0 ? absl::OkStatus() : Failed(path, "cannot be written");
}

// A rename is on disk when its directory is.
absl::Status SyncDirectoryOf(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  const Descriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || fsync(opened.get()) != 0) return Failed(directory, "cannot be synced");
  return absl::OkStatus();
}

uint64_t ChecksumOf(const std::string& content) {
  return XXH3_64bits(content.data(), content.size());
}

}  // namespace

absl::Status WriteStateFile(const std::string& path, const std::string& what,
                            const google::protobuf::MessageLite& content) {
  v1::StateFile file;
  file.set_what(what);
  file.set_format(kFormat);
  file.set_content(content.SerializeAsString());
  file.set_checksum(ChecksumOf(file.content()));
  const std::string fresh = path + ".new";
  if (absl::Status status = WriteNew(fresh, file.SerializeAsString()); !status.ok()) return status;
  if (rename(fresh.c_str(), path.c_str()) != 0) return Failed(path, "cannot be replaced");
  return SyncDirectoryOf(path);
}

absl::Status ReadStateFile(const std::string& path, const std::string& what,
                           google::protobuf::MessageLite* content) {
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    return absl::NotFoundError(path + ": does not exist");
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream read;
  if (!in || (read << in.rdbuf(), read.bad())) return Failed(path, "cannot be read");
  const std::string bytes = read.str();
  const auto damaged = [&path](const std::string& why) {
    return absl::DataLossError(fmt::format("{}: {}", path, why));
  };
  v1::StateFile file;
  if (!file.ParseFromString(bytes)) return damaged("is no state file, or cut short");
  if (file.what() != what) {
    return damaged(fmt::format("holds \"{}\", not \"{}\"", file.what(), what));
  }
  if (file.format() != kFormat) {
    return damaged(fmt::format("is of format {}, and {} is understood", file.format(), kFormat));
  }
  if (file.checksum() != ChecksumOf(file.content())) return damaged("the checksum is wrong");
  if (!content->ParseFromString(file.content())) return damaged("the content cannot be read");
  return absl::OkStatus();
}

}  // namespace sluice::control
