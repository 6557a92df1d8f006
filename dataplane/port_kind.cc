#include "dataplane/port_kind.h"

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

namespace sluice::dataplane {
namespace {

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
absl::Status TrySocket(const PortSpec& spec) {
  const sockaddr_un address = SocketAddress(spec.path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool made =
      fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (made) unlink(spec.path.c_str());
  if (made) return absl::OkStatus();
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("socket {} cannot be made: {}", spec.path, rte_strerror(error)));
}

absl::Status CheckSocketServer(const PortSpec& spec) {
  const std::filesystem::path path(spec.path);
  std::error_code error;
  if (IsStaleSocket(spec.path)) std::filesystem::remove(path, error);
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
    return PortError(spec, absl::StatusCode::kAlreadyExists,
                     fmt::format("socket path {} exists already", spec.path));
  }
  const std::string directory = path.parent_path().string();
  if (!std::filesystem::is_directory(directory, error)) {
    return PortError(spec, absl::StatusCode::kFailedPrecondition,
                     fmt::format("there is no directory {} for the socket", directory));
  }
  return TrySocket(spec);
}

// The peer's socket may come later, but nothing else may be in its place: by a link, whoever owns
// the directory would have us speak to a socket of others.
absl::Status CheckSocketClient(const PortSpec& spec) {
  std::error_code error;
  const auto status = std::filesystem::symlink_status(spec.path, error);
  if (!std::filesystem::exists(status) || std::filesystem::is_socket(status)) {
    return absl::OkStatus();
  }
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("{} is not a socket", spec.path));
}

absl::Status CheckNothing(const PortSpec&) { return absl::OkStatus(); }

// What the kernel says of an interface of the thread's network namespace; zeros if there is none.
ifreq AskInterface(const std::string& interface, unsigned long question) {
  ifreq request{};
  interface.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool known = fd >= 0 && ioctl(fd, question, &request) == 0;
  if (fd >= 0) close(fd);
  return known ? request : ifreq{};
}

// A tap in another namespace is still there after its port: whose it is, its MAC says.
bool IsOwnTap(const PortSpec& spec) {
  const ifreq answer = AskInterface(spec.path, SIOCGIFHWADDR);
  const auto* mac = reinterpret_cast<const uint8_t*>(answer.ifr_hwaddr.sa_data);
  return !spec.netns.empty() && std::equal(spec.mac.bytes.begin(), spec.mac.bytes.end(), mac);
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

absl::Status CheckPcap(const PortSpec& spec) {
  if (spec.path.empty() || access(spec.path.c_str(), R_OK) == 0) return absl::OkStatus();
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("file {} is not readable", spec.path));
}

// Frames lie in slots that divide a block, which the kernel allocates in one piece.
std::string AfPacketArgs(const PortSpec& spec) {
  const bool jumbo = spec.mtu > kDefaultMtu;
  return fmt::format("iface={},qpairs=1,{}", spec.path,
                     jumbo ? "blocksz=16384,framesz=16384,framecnt=512"
                           : "blocksz=4096,framesz=2048,framecnt=2048");
}
std::string PcapArgs(const PortSpec& spec) {
  std::string args;
  if (!spec.path.empty()) args += fmt::format("rx_pcap={}", spec.path);
  if (!spec.pcap_out.empty()) {
    args += fmt::format("{}tx_pcap={}", args.empty() ? "" : ",", spec.pcap_out);
  }
  return args;
}

std::string RepresentorDevargs(const PortSpec& spec) {
  return RepresentorArgs(spec.path).value_or("");
}

constexpr uint16_t kRing = 1024;

using enum DeviceMaker;
constexpr PortKindRow kRows[] = {
    {PortKind::kVhostServer, kVhostSocket, "vhost", CheckSocketServer, nullptr, 0, false, false,
     false},
    {PortKind::kVhostClient, kVhostSocket, "vhost", CheckSocketClient, nullptr, 0, false, false,
     false},
    {PortKind::kTap, kTunDevice, "tun", CheckNewInterface, nullptr, 0, false, false, false},
    {PortKind::kAfPacket, kVirtualBus, "net_af_packet", CheckInterface, AfPacketArgs, kRing, false,
     true, true},
    {PortKind::kPcap, kVirtualBus, "net_pcap", CheckPcap, PcapArgs, kRing, false, false, false},
    {PortKind::kRing, kRings, "net_ring", CheckNothing, nullptr, kRing, false, false, false},
    {PortKind::kRepresentor, kPhysicalBus, "PCI", CheckNothing, RepresentorDevargs, kRing, true,
     false, true},
};

}  // namespace

const PortKindRow& RowOf(PortKind kind) {
  for (const PortKindRow& row : kRows) {
    if (row.kind == kind) return row;
  }
  return kRows[0];
}

absl::Status PortError(const PortSpec& spec, absl::StatusCode code, std::string_view reason) {
  return absl::Status(code, fmt::format("port {}: {}", spec.name, reason));
}

absl::Status PortError(const PortSpec& spec, const absl::Status& reason) {
  return PortError(spec, reason.code(), std::string(reason.message()));
}

}  // namespace sluice::dataplane
