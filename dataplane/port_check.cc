#include "dataplane/port_check.h"

#include <fmt/core.h>
#include <net/if.h>
#include <rte_errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "dataplane/port_kind.h"
#include "dataplane/port_path.h"

namespace sluice::dataplane {
namespace {

std::string SocketOf(const PortSpec& spec) {
  const bool memif = spec.kind == PortKind::kMemifServer || spec.kind == PortKind::kMemifClient;
  return memif ? MemifPath::Parse(spec.path).value_or(MemifPath{}).socket : spec.path;
}

sockaddr_un SocketAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);  // Validate bounds it
  return address;
}

// A socket that nobody listens on any more: what a killed switch leaves behind.
bool IsStaleSocket(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_socket(std::filesystem::symlink_status(path, error))) return false;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const sockaddr_un address = SocketAddress(path);
  const bool refused =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
      errno == ECONNREFUSED;
  close(fd);
  return refused;
}

// Makes the socket and takes it away again: permissions, read-only and special file systems show
// themselves here with a reason, which the vhost library would not give.
absl::Status TrySocket(const PortSpec& spec, const std::string& socket_path) {
  const sockaddr_un address = SocketAddress(socket_path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool made =
      fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (made) unlink(socket_path.c_str());
  if (made) return absl::OkStatus();
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("socket {} cannot be made: {}", socket_path, rte_strerror(error)));
}

// What the kernel says of an interface of the thread's network namespace; zeros if there is none.
ifreq AskInterface(const std::string& interface, unsigned long question) {
  ifreq request{};
  interface.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool known = fd >= 0 && ioctl(fd, question, &request) == 0;
  if (fd >= 0) close(fd);
  return known ? request : ifreq{};
}

size_t ReceiveQueues(const std::string& interface) {
  std::error_code error;
  size_t count = 0;
  const std::string directory = fmt::format("/sys/class/net/{}/queues", interface);
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().filename().string().starts_with("rx-")) ++count;
  }
  return count;
}

// A tap in another namespace is still there after its port: whose it is, its MAC says.
bool IsOwnTap(const PortSpec& spec) {
  const ifreq answer = AskInterface(spec.path, SIOCGIFHWADDR);
  const auto* mac = reinterpret_cast<const uint8_t*>(answer.ifr_hwaddr.sa_data);
  return !spec.netns.empty() && std::equal(spec.mac.bytes.begin(), spec.mac.bytes.end(), mac);
}

}  // namespace

absl::Status CheckNothing(const PortSpec&) { return absl::OkStatus(); }

absl::Status CheckSocketServer(const PortSpec& spec) {
  const std::string socket_path = SocketOf(spec);
  const std::filesystem::path path(socket_path);
  std::error_code error;
  if (IsStaleSocket(socket_path)) std::filesystem::remove(path, error);
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
    return PortError(spec, absl::StatusCode::kAlreadyExists,
                     fmt::format("socket path {} exists already", socket_path));
  }
  const std::string directory = path.parent_path().string();
  if (!std::filesystem::is_directory(directory, error)) {
    return PortError(spec, absl::StatusCode::kFailedPrecondition,
                     fmt::format("there is no directory {} for the socket", directory));
  }
  return TrySocket(spec, socket_path);
}

// The peer's socket may come later, but nothing else may be in its place: by a link, whoever owns
// the directory would have us speak to a socket of others.
absl::Status CheckSocketClient(const PortSpec& spec) {
  std::error_code error;
  const auto status = std::filesystem::symlink_status(SocketOf(spec), error);
  if (!std::filesystem::exists(status) || std::filesystem::is_socket(status)) {
    return absl::OkStatus();
  }
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("{} is not a socket", SocketOf(spec)));
}

absl::Status CheckMemifClient(const PortSpec& spec) {
  if (absl::Status usable = CheckSocketClient(spec); !usable.ok()) return usable;
  const std::string path = SocketOf(spec);
  std::error_code error;
  const bool there = std::filesystem::exists(std::filesystem::symlink_status(path, error));
  if (there && !IsStaleSocket(path)) return absl::OkStatus();
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("nobody listens on {}: the peer of a memif-client port has to be "
                               "there when the port is added",
                               path));
}

absl::Status CheckNewInterface(const PortSpec& spec) {
  if (if_nametoindex(spec.path.c_str()) == 0 || IsOwnTap(spec)) return absl::OkStatus();
  return PortError(spec, absl::StatusCode::kAlreadyExists,
                   fmt::format("network interface {} exists already", spec.path));
}

// The kernel would lose what is larger than the interface takes.
absl::Status CheckInterface(const PortSpec& spec) {
  if (if_nametoindex(spec.path.c_str()) == 0) {
    return PortError(spec, absl::StatusCode::kFailedPrecondition,
                     fmt::format("there is no network interface {}", spec.path));
  }
  const int mtu = AskInterface(spec.path, SIOCGIFMTU).ifr_mtu;
  if (mtu >= spec.mtu) return absl::OkStatus();
  return PortError(
      spec, absl::StatusCode::kFailedPrecondition,
      fmt::format("mtu: {} is more than the {} of interface {}", spec.mtu, mtu, spec.path));
}

// The other queues would stay the kernel's.
absl::Status CheckXdp(const PortSpec& spec) {
  if (absl::Status usable = CheckInterface(spec); !usable.ok()) return usable;
  if (const size_t queues = ReceiveQueues(spec.path); queues > 1) {
    return PortError(spec, absl::StatusCode::kFailedPrecondition,
                     fmt::format("interface {0} has {1} receive queues, and an af-xdp port reads "
                                 "one: ethtool -L {0} combined 1",
                                 spec.path, queues));
  }
  const int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  const int error = errno;
  if (fd >= 0) close(fd);
  if (fd >= 0) return absl::OkStatus();
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("the kernel gives no AF_XDP socket: {}", rte_strerror(error)));
}

absl::Status CheckPcap(const PortSpec& spec) {
  if (spec.path.empty() || access(spec.path.c_str(), R_OK) == 0) return absl::OkStatus();
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("file {} is not readable", spec.path));
}

}  // namespace sluice::dataplane
