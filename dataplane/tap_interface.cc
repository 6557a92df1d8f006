#include "dataplane/tap_interface.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "dataplane/virtio_header.h"

namespace sluice::dataplane {
namespace {

constexpr const char* kDevice = "/dev/net/tun";

// One way through the steps: after the first that fails the others do nothing.
class Maker {
 public:
  explicit Maker(const TapInterface& tap)
      : tap_(tap), fd_(open(kDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_ < 0) Fail(kDevice);
  }
  ~Maker() {
    if (socket_ >= 0) close(socket_);
    if (fd_ >= 0) close(fd_);
  }
  Maker(const Maker&) = delete;
  Maker& operator=(const Maker&) = delete;

  absl::StatusOr<int> Make() {
    Open();
    if (!tap_.mac.IsZero()) SetMac();
    SetLink();
    if (tap_.stays) Ask("to stay", fd_, TUNSETPERSIST, 1ul);
    if (!status_.ok()) return status_;
    return std::exchange(fd_, -1);
  }

 private:
  ifreq Request() const {
    ifreq request{};
    tap_.name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    return request;
  }

  // With one queue, so that it is full: who owns the interface's namespace could add one of his own
  // to an interface with several, and change the length of the header by it. One that DPDK's driver
  // made, for an earlier version, has several, and is taken as it is.
  void Open() {
    ifreq request = Request();
    constexpr short kFlags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    request.ifr_flags = kFlags;
    if (status_.ok() && ioctl(fd_, TUNSETIFF, &request) != 0) {
      request = Request();
      request.ifr_flags = kFlags | IFF_MULTI_QUEUE;
      if (errno == EINVAL) {
        Ask("interface", fd_, TUNSETIFF, &request);
      } else {
        Fail("interface");
      }
    }
    int header = sizeof(VirtioHeader);
    Ask("header", fd_, TUNSETVNETHDRSZ, &header);
    Ask("offloads", fd_, TUNSETOFFLOAD,
        static_cast<unsigned long>(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6));
  }

  void SetMac() {
    ifreq request = Request();
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::ranges::copy(tap_.mac.bytes, request.ifr_hwaddr.sa_data);
    Ask("MAC", fd_, SIOCSIFHWADDR, &request);
  }

  void SetLink() {
    if (!status_.ok()) return;
    socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return Fail("socket");
    ifreq request = Request();
    request.ifr_mtu = tap_.mtu;
    Ask("MTU", socket_, SIOCSIFMTU, &request);
    request = Request();
    Ask("flags", socket_, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP;
    Ask("up", socket_, SIOCSIFFLAGS, &request);
  }

  template <typename Argument>
  void Ask(const char* step, int fd, unsigned long request, Argument argument) {
    if (status_.ok() && ioctl(fd, request, argument) != 0) Fail(step);
  }
  void Fail(const char* step) {
    status_ = absl::InternalError(
        fmt::format("tap {}: {}: {}", tap_.name, step, std::generic_category().message(errno)));
  }

  const TapInterface& tap_;
  absl::Status status_;
  int fd_;
  int socket_ = -1;
};

}  // namespace

absl::StatusOr<int> OpenTap(const TapInterface& tap) { return Maker(tap).Make(); }

}  // namespace sluice::dataplane
