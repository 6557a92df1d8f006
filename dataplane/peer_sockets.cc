#include "dataplane/peer_sockets.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <filesystem>
#include <optional>

namespace sluice::dataplane {
namespace {

// A message is sent in one piece: what is to come is there already.
constexpr timeval kLongestWait = {.tv_sec = 0, .tv_usec = 10'000};

// What the kernel holds for a peer, in bytes of its own memory; its default limit is 208 KiB. An
// honest peer reads each answer before it asks again.
constexpr int kMostUnread = 64 << 10;

// The path that a connection's own end is bound to, "" if to none. Nothing: it is no connection of
// unix sockets, or one that never waits.
std::optional<std::string> OwnPath(int fd) {
  sockaddr_un own{}, peer{};
  socklen_t length = sizeof(own), peer_length = sizeof(peer);
  int type = 0;
  socklen_t type_length = sizeof(type);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) != 0 || type != SOCK_STREAM ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length) != 0 ||
      own.sun_family != AF_UNIX ||
      getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_length) != 0 ||
      (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0) {
    return std::nullopt;
  }
  if (length <= offsetof(sockaddr_un, sun_path)) return "";
  return std::string(own.sun_path);
}

bool IsBound(int fd) {
  timeval wait{};
  socklen_t length = sizeof(wait);
  return getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, &length) == 0 &&
         (wait.tv_sec != 0 || wait.tv_usec != 0);
}

}  // namespace

int BoundWaits(const std::string& path) {
  std::error_code error;
  int found = -1;
  unsigned count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd <= STDERR_FILENO || OwnPath(fd) != path || IsBound(fd)) continue;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kLongestWait, sizeof(kLongestWait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kLongestWait, sizeof(kLongestWait));
    found = fd;
    ++count;
  }
  return count == 1 ? found : -1;
}

bool ReadsNoAnswers(int connection) {
  int unread = 0;
  return ioctl(connection, SIOCOUTQ, &unread) == 0 && unread > kMostUnread;
}

}  // namespace sluice::dataplane
