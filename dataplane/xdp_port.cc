#include "dataplane/xdp_port.h"

#include <fmt/core.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>

namespace sluice::dataplane {
namespace {

// The driver's rings hold 2,048 to receive and up to 3,072 to send; workers' caches some more.
constexpr unsigned kBuffers = 8192;

// Mempools are known by name.
std::string NextPoolName() {
  static unsigned next = 0;
  return fmt::format("sluice_xdp{}", next++);
}

bool IsXdpSocket(int fd) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_XDP;
}

std::vector<XdpSocket> OpenSockets() {
  std::vector<XdpSocket> sockets;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    struct stat facts {};
    if (fd < 0 || !IsXdpSocket(fd) || fstat(fd, &facts) != 0) continue;
    sockets.push_back({fd, facts.st_ino});
  }
  return sockets;
}

// What finds no buffer is lost, as on any device.
uint16_t Copy(uint16_t, uint16_t, rte_mbuf** mbufs, uint16_t count, uint16_t, void* pool) {
  uint16_t copied = 0;
  for (uint16_t i = 0; i < count; ++i) {
    rte_mbuf* copy = rte_pktmbuf_copy(mbufs[i], static_cast<rte_mempool*>(pool), 0, UINT32_MAX);
    rte_pktmbuf_free(mbufs[i]);
    if (copy != nullptr) mbufs[copied++] = copy;
  }
  return copied;
}

bool Has(const std::vector<XdpSocket>& sockets, const XdpSocket& one) {
  return std::ranges::find(sockets, one) != sockets.end();
}

}  // namespace

absl::StatusOr<XdpPort> XdpPort::Make() {
  absl::StatusOr<PacketPool> pool = PacketPool::Create(NextPoolName(), kBuffers);
  if (!pool.ok()) return pool.status();
  if (const unsigned pieces = pool->get()->nb_mem_chunks; pieces != 1) {
    return absl::FailedPreconditionError(
        fmt::format("packet buffers: memory is in {} pieces, and AF_XDP takes one", pieces));
  }
  XdpPort port;
  port.pool_ = *std::move(pool);
  port.others_ = OpenSockets();
  return port;
}

void XdpPort::NoteSockets() {
  std::ranges::copy_if(OpenSockets(), std::back_inserter(own_),
                       [this](const XdpSocket& one) { return !Has(others_, one); });
}

absl::Status XdpPort::CopyTo(rte_mempool* pool, uint16_t ethdev) {
  copier_ = rte_eth_add_rx_callback(ethdev, 0, Copy, pool);
  if (copier_ != nullptr) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("DPDK takes no receive callback: {}", rte_strerror(rte_errno)));
}

// DPDK keeps callbacks for the next ethdev of the number, and their memory is the caller's.
void XdpPort::StopCopying(uint16_t ethdev) {
  if (copier_ == nullptr) return;
  rte_eth_remove_rx_callback(ethdev, 0, copier_);
  rte_free(const_cast<rte_eth_rxtx_callback*>(std::exchange(copier_, nullptr)));
}

void XdpPort::CloseSockets() {
  const std::vector<XdpSocket> still_open = OpenSockets();
  for (const XdpSocket& socket : std::exchange(own_, {})) {
    if (Has(still_open, socket)) close(socket.fd);
  }
}

}  // namespace sluice::dataplane
