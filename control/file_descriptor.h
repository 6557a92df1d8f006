// A file descriptor that somebody owns.
#pragma once

#include <unistd.h>

#include <utility>

namespace sluice::control {

// Closes it at its end. Move-only. Negative: there is none, as open(2) and its like say it.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() { Close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) Close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }

  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  bool IsOpen() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace sluice::control
