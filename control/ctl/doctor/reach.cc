#include "control/ctl/doctor/reach.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "control/file_descriptor.h"

namespace sluice::ctl {
namespace {

struct HostPort {
  std::string host, port;
};

HostPort Split(const std::string& url) {
  const bool plain = url.starts_with("http://");
  const size_t scheme = url.find("://");
  std::string rest = scheme == std::string::npos ? url : url.substr(scheme + 3);
  rest = rest.substr(0, rest.find('/'));
  const size_t bracket = rest.rfind(']');
  const size_t colon = rest.rfind(':');
  const bool has_port =
      colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  HostPort result{has_port ? rest.substr(0, colon) : rest,
                  has_port ? rest.substr(colon + 1) : (plain ? "80" : "443")};
  if (result.host.starts_with('[')) result.host = result.host.substr(1, result.host.size() - 2);
  return result;
}

// 0, or an errno.
int Connect(const addrinfo& address, std::chrono::milliseconds patience) {
  const control::FileDescriptor fd(socket(
      address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
  if (fd.get() < 0) return errno;
  if (connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{fd.get(), POLLOUT, 0};
  const int ready = poll(&waiting, 1, static_cast<int>(patience.count()));
  if (ready <= 0) return ready == 0 ? ETIMEDOUT : errno;
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

std::string TryReach(const std::string& url, std::chrono::milliseconds patience) {
  const auto [host, port] = Split(url);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int resolved = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (resolved != 0) return fmt::format("{}: {}", host, gai_strerror(resolved));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    error = Connect(*address, patience);
    if (error == 0) return "";
  }
  return fmt::format("{} port {}: {}", host, port, strerror(error));
}

}  // namespace sluice::ctl
