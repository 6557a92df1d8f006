#include "perf/pktgen/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <ctime>
#include <utility>

namespace sluice::pktgen {

std::vector<std::string> LineReader::Read(uint32_t wait_us) {
  std::vector<std::string> lines;
  const timespec wait{.tv_sec = wait_us / 1'000'000, .tv_nsec = long{wait_us % 1'000'000} * 1'000};
  pollfd input{.fd = ended_ ? -1 : fd_, .events = POLLIN, .revents = 0};
  if (ppoll(&input, 1, &wait, nullptr) <= 0) return lines;
  char buffer[16'384];
  const ssize_t size = read(fd_, buffer, sizeof(buffer));
  if (size > 0) partial_.append(buffer, static_cast<size_t>(size));
  size_t start = 0;
  for (size_t end; (end = partial_.find('\n', start)) != std::string::npos; start = end + 1) {
    if (end > start) lines.push_back(partial_.substr(start, end - start));
  }
  partial_.erase(0, start);
  ended_ = size <= 0 || partial_.size() > kMaxLine;
  if (ended_ && !partial_.empty()) lines.push_back(std::exchange(partial_, {}));
  return lines;
}

}  // namespace sluice::pktgen
