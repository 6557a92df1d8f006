#include "perf/pktgen/virtio_port.h"

#include <fmt/core.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_memcpy.h>
#include <sys/stat.h>

#include <cstring>

namespace sluice::pktgen {
namespace {

bool IsSocket(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

std::string DriverOf(const VirtioPortConfig& config) {
  return config.memif ? "net_memif" : "net_virtio_user";
}

std::string ArgumentsOf(const VirtioPortConfig& config) {
  const std::string more = config.more.empty() ? "" : "," + config.more;
  if (config.memif) {
    return fmt::format("role={},socket={},socket-abstract=no,mac={}{}",
                       config.server ? "server" : "client", config.socket, config.mac.ToString(),
                       more);
  }
  return fmt::format("path={},mac={},queues=1,queue_size={}{}{}", config.socket,
                     config.mac.ToString(), VirtioPort::kQueueSize,
                     config.server ? ",server=1" : "", more);
}

absl::Status DpdkError(const std::string& socket, const char* what, int error) {
  return absl::InternalError(
      fmt::format("{}: {}: {}", socket, what, rte_strerror(error < 0 ? -error : error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<VirtioPort>> VirtioPort::Open(const VirtioPortConfig& config,
                                                             rte_mempool* pool) {
  if (config.socket.find(',') != std::string::npos) {
    return absl::InvalidArgumentError(
        fmt::format("{}: a socket path may hold no comma", config.socket));
  }
  if (!config.server && !IsSocket(config.socket)) {
    return absl::UnavailableError(fmt::format("{}: no such socket", config.socket));
  }
  const std::string name = fmt::format("{}{}", DriverOf(config), config.number);
  const int error = rte_eal_hotplug_add("vdev", name.c_str(), ArgumentsOf(config).c_str());
  if (error != 0 && !config.server) {
    return absl::UnavailableError(
        fmt::format("{}: nobody serves the socket: {}", config.socket, rte_strerror(-error)));
  }
  if (error != 0) return DpdkError(config.socket, "cannot open", error);
  uint16_t device = 0;
  const int missing = rte_eth_dev_get_port_by_name(name.c_str(), &device);
  if (missing != 0) return DpdkError(config.socket, "has no device", missing);
  std::unique_ptr<VirtioPort> port(new VirtioPort(device, name, pool));
  absl::Status status = port->Start(config);
  if (!status.ok()) return status;
  return port;
}

absl::Status VirtioPort::Start(const VirtioPortConfig& config) {
  rte_eth_conf conf{};
  conf.txmode.offloads = config.offloads;
  conf.rxmode.offloads = config.rx_offloads;
  int error = rte_eth_dev_configure(device_, 1, 1, &conf);
  if (error != 0) return DpdkError(name_, "cannot configure", error);
  error = rte_eth_rx_queue_setup(device_, 0, kQueueSize, SOCKET_ID_ANY, nullptr, pool_);
  if (error != 0) return DpdkError(name_, "cannot set up the receive queue", error);
  error = rte_eth_tx_queue_setup(device_, 0, kQueueSize, SOCKET_ID_ANY, nullptr);
  if (error != 0) return DpdkError(name_, "cannot set up the send queue", error);
  error = rte_eth_dev_start(device_);
  if (error != 0) return DpdkError(name_, "cannot start", error);
  // The switch floods broadcasts and multicasts; what is for us is the stack's to say.
  rte_eth_promiscuous_enable(device_);
  return absl::OkStatus();
}

VirtioPort::~VirtioPort() {
  rte_pktmbuf_free_bulk(queued_.data(), queued_count_);
  rte_eth_dev_stop(device_);
  rte_eth_dev_close(device_);
  rte_eal_hotplug_remove("vdev", name_.c_str());
}

bool VirtioPort::LinkUp() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(device_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

uint16_t VirtioPort::Receive(std::span<rte_mbuf*> packets) {
  const auto room = static_cast<uint16_t>(std::min<size_t>(packets.size(), kBurst));
  const uint16_t count = rte_eth_rx_burst(device_, 0, packets.data(), room);
  packets_ += count;
  return count;
}

uint16_t VirtioPort::SendBurst(std::span<rte_mbuf*> packets) {
  const uint16_t count =
      rte_eth_tx_burst(device_, 0, packets.data(), static_cast<uint16_t>(packets.size()));
  packets_ += count;
  return count;
}

void VirtioPort::Send(Bytes frame) {
  if (queued_count_ == kBurst) Flush();
  rte_mbuf* packet = rte_pktmbuf_alloc(pool_);
  if (packet == nullptr || frame.size() > rte_pktmbuf_tailroom(packet)) {
    rte_pktmbuf_free(packet);
    ++refused_;
    return;
  }
  const auto size = static_cast<uint16_t>(frame.size());
  std::memcpy(rte_pktmbuf_append(packet, size), frame.data(), size);
  queued_[queued_count_++] = packet;
}

void VirtioPort::Flush() {
  if (queued_count_ == 0) return;
  const uint16_t taken = SendBurst({queued_.data(), queued_count_});
  const uint16_t left = queued_count_ - taken;
  rte_pktmbuf_free_bulk(queued_.data() + taken, left);
  refused_ += left;
  queued_count_ = 0;
}

}  // namespace sluice::pktgen
