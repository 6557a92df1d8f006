#include "perf/pktgen/traffic_ports.h"

#include <fmt/core.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <thread>

namespace sluice::pktgen {
namespace {

constexpr auto kRetry = std::chrono::milliseconds(10);
constexpr unsigned kBuffers = 4'096;
constexpr unsigned kPoolCache = 512;

using Clock = std::chrono::steady_clock;

void Clear(rte_mempool*, void*, void* object, unsigned) {
  auto* packet = static_cast<rte_mbuf*>(object);
  std::memset(packet->buf_addr, 0, packet->buf_len);
}

absl::StatusOr<rte_mempool*> MakePool(const char* name, uint16_t room) {
  rte_mempool* pool =
      rte_pktmbuf_pool_create(name, kBuffers, kPoolCache, 0,
                              static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + room), SOCKET_ID_ANY);
  if (pool != nullptr) return pool;
  return absl::ResourceExhaustedError(fmt::format("no memory for {} buffers of {} bytes: {}",
                                                  kBuffers, room, rte_strerror(rte_errno)));
}

// Tries until `done` says ok or something else than Unavailable, or the time is over.
template <typename Try>
absl::Status Until(Clock::time_point deadline, const std::atomic<bool>& stop, Try attempt) {
  while (true) {
    const absl::Status status = attempt();
    if (!absl::IsUnavailable(status)) return status;
    if (stop) return absl::AbortedError("stopped");
    if (Clock::now() >= deadline) return absl::DeadlineExceededError(status.message());
    std::this_thread::sleep_for(kRetry);
  }
}

}  // namespace

absl::Status TrafficPorts::MakePools() {
  // A frame that its sender wants cut may be longer than what one buffer of the receiver holds.
  const uint16_t room = std::max<uint16_t>(config_.frame_most, RTE_MBUF_DEFAULT_DATAROOM);
  const absl::StatusOr<rte_mempool*> send = MakePool("traffic_send", room);
  if (!send.ok()) return send.status();
  send_pool_ = *send;
  rte_mempool_obj_iter(send_pool_, Clear, nullptr);
  const absl::StatusOr<rte_mempool*> receive = MakePool("traffic_receive", room);
  if (!receive.ok()) return receive.status();
  receive_pool_ = *receive;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<TrafficPorts>> TrafficPorts::Open(const TrafficPortsConfig& config,
                                                                 std::chrono::seconds timeout,
                                                                 const std::atomic<bool>& stop) {
  const Clock::time_point deadline = Clock::now() + timeout;
  std::unique_ptr<TrafficPorts> ports(new TrafficPorts(config));
  if (absl::Status made = ports->MakePools(); !made.ok()) return made;
  VirtioPortConfig port{.server = config.server, .more = config.more};
  if (config.tso) {
    port.offloads = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
    port.rx_offloads = RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
  }
  const auto open = [&](std::unique_ptr<VirtioPort>& to) {
    absl::StatusOr<std::unique_ptr<VirtioPort>> opened =
        VirtioPort::Open(port, ports->receive_pool_);
    if (opened.ok()) to = *std::move(opened);
    return opened.ok() ? absl::OkStatus() : opened.status();
  };
  const auto link = [&](const VirtioPort& of, const std::string& socket) {
    return of.LinkUp() ? absl::OkStatus()
                       : absl::UnavailableError(fmt::format("{}: the link stays down", socket));
  };
  port.number = 0, port.socket = config.from, port.mac = config.from_mac;
  absl::Status status = Until(deadline, stop, [&] { return open(ports->from_); });
  port.number = 1, port.socket = config.to, port.mac = config.to_mac;
  if (status.ok()) status = Until(deadline, stop, [&] { return open(ports->to_); });
  if (status.ok()) status = Until(deadline, stop, [&] { return link(ports->from(), config.from); });
  if (status.ok()) status = Until(deadline, stop, [&] { return link(ports->to(), config.to); });
  if (!status.ok()) return status;
  return ports;
}

TrafficPorts::~TrafficPorts() {
  from_.reset();
  to_.reset();
  rte_mempool_free(send_pool_);
  rte_mempool_free(receive_pool_);
}

}  // namespace sluice::pktgen
