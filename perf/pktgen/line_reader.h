// Lines from a file descriptor, without blocking the polling thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::pktgen {

class LineReader {
 public:
  static constexpr size_t kMaxLine = 1 << 20;  // a longer one ends the input

  explicit LineReader(int fd) : fd_(fd) {}

  // Waits at most `wait_us` for input; returns the lines that are complete, without their ends.
  // Empty lines are left out. At the end of the input, what has no line end is a line too.
  std::vector<std::string> Read(uint32_t wait_us);
  bool ended() const { return ended_; }

 private:
  int fd_;
  bool ended_ = false;
  std::string partial_;
};

}  // namespace sluice::pktgen
