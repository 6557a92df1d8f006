#include "dataplane/port_device.h"

#include <fmt/core.h>
#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <atomic>
#include <filesystem>
#include <utility>

#include "dataplane/port_kind.h"

namespace sluice::dataplane {
namespace {

bool IsVhost(const PortSpec& spec) {
  return spec.kind == PortKind::kVhostServer || spec.kind == PortKind::kVhostClient;
}

constexpr uint16_t kTxDescriptors = 1024;
constexpr unsigned kRingSize = 1024;

// DPDK keeps traces of a closed vdev, so no name is used twice.
std::string NextVdevName(const char* driver) {
  static std::atomic<unsigned> next{0};
  return fmt::format("{}{}", driver, next.fetch_add(1));
}

rte_ring* FindOrMakeRing(const std::string& name) {
  rte_ring* ring = rte_ring_lookup(name.c_str());
  return ring != nullptr ? ring : rte_ring_create(name.c_str(), kRingSize, SOCKET_ID_ANY, 0);
}

// `vdev` gets the name of the device that is made.
absl::StatusOr<uint16_t> OpenRings(const PortSpec& spec, std::string* vdev) {
  rte_ring* rx = FindOrMakeRing(RingName(spec, true));
  rte_ring* tx = FindOrMakeRing(RingName(spec, false));
  if (rx == nullptr || tx == nullptr) {
    return PortError(spec, absl::StatusCode::kInternal,
                     fmt::format("no ring: {}", rte_strerror(rte_errno)));
  }
  const std::string name = NextVdevName("ring");
  const int id = rte_eth_from_rings(name.c_str(), &rx, 1, &tx, 1, 0);
  if (id < 0) {
    return PortError(spec, absl::StatusCode::kInternal,
                     fmt::format("no ring device: {}", rte_strerror(rte_errno)));
  }
  *vdev = "net_ring_" + name;  // as rte_eth_from_rings calls it
  return static_cast<uint16_t>(id);
}

}  // namespace

std::string RingName(const PortSpec& spec, bool into_switch) {
  return spec.name + (into_switch ? "-rx" : "-tx");
}

bool NeedsJumboBuffers(const PortSpec& spec) {
  return RowOf(spec.kind).whole_frames && spec.mtu > kDefaultMtu;
}

absl::StatusOr<PortDevice> PortDevice::Open(const PortSpec& spec, rte_mempool* pool, TxPort* tx) {
  const PortKindRow& row = RowOf(spec.kind);
  if (spec.mtu > row.max_mtu) {
    return PortError(spec, absl::StatusCode::kInvalidArgument,
                     fmt::format("mtu: {} is more than the {} that DPDK's {} can do", spec.mtu,
                                 row.max_mtu, row.driver));
  }
  if (absl::Status usable = row.check(spec); !usable.ok()) return usable;
  if (rte_eth_dev_count_total() >= RTE_MAX_ETHPORTS) {
    return PortError(
        spec, absl::StatusCode::kResourceExhausted,
        fmt::format("this build of DPDK allows {} ports (RTE_MAX_ETHPORTS), all are in use",
                    RTE_MAX_ETHPORTS));
  }

  PortDevice device;
  if (row.driver == nullptr) {
    absl::StatusOr<uint16_t> id = OpenRings(spec, &device.vdev_);
    if (!id.ok()) return id.status();
    device.id_ = *id;
  } else {
    device.vdev_ = NextVdevName(row.driver);
    const int error = rte_vdev_init(device.vdev_.c_str(), row.args(spec).c_str());
    if (error != 0 || rte_eth_dev_get_port_by_name(device.vdev_.c_str(), &device.id_) != 0) {
      if (error == 0) rte_vdev_uninit(device.vdev_.c_str());
      return PortError(spec, absl::StatusCode::kInternal,
                       fmt::format("{} does not open {}: {}", row.driver, row.args(spec),
                                   rte_strerror(error < 0 ? -error : rte_errno)));
    }
  }
  device.open_ = true;
  if (spec.kind == PortKind::kVhostServer) device.owned_socket_ = spec.path;
  if (absl::Status started = device.Start(spec, pool); !started.ok()) return started;
  if (IsVhost(spec) && tx != nullptr) device.peer_ = std::make_unique<VhostPeer>(device.id_, tx);
  return device;
}

absl::Status PortDevice::Start(const PortSpec& spec, rte_mempool* pool) {
  const PortKindRow& row = RowOf(spec.kind);
  const char* step = "configure";
  int error = Configure(spec);
  if (error == 0 && row.sets_mtu) {
    step = "mtu";
    error = rte_eth_dev_set_mtu(id_, spec.mtu);
  }
  uint16_t rx_descriptors = row.rx_descriptors, tx_descriptors = kTxDescriptors;
  if (error == 0) rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors, &tx_descriptors);
  for (uint16_t queue = 0; error == 0 && queue < spec.queues; ++queue) {
    step = "receive queue";
    error = rte_eth_rx_queue_setup(id_, queue, rx_descriptors, SOCKET_ID_ANY, nullptr, pool);
    if (error != 0) break;
    step = "transmit queue";
    error = rte_eth_tx_queue_setup(id_, queue, tx_descriptors, SOCKET_ID_ANY, nullptr);
  }
  if (error == 0) {
    step = "start";
    error = rte_eth_dev_start(id_);
  }
  // Pods' addresses are not the device's; kinds without the notion say -ENOTSUP.
  if (error == 0 && spec.kind == PortKind::kAfPacket) {
    step = "promiscuous mode";
    error = rte_eth_promiscuous_enable(id_);
  }
  if (error == 0) return absl::OkStatus();
  return PortError(spec, absl::StatusCode::kInternal,
                   fmt::format("{}: {}", step, rte_strerror(-error)));
}

// Chains of buffers both ways. A vhost device that is asked for checksums reports which are
// partial; others would verify every one.
int PortDevice::Configure(const PortSpec& spec) const {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0) return error;
  constexpr uint64_t kChecksums = RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
  rte_eth_conf conf{};
  conf.rxmode.offloads =
      info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_SCATTER | (IsVhost(spec) ? kChecksums : 0));
  conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  return rte_eth_dev_configure(id_, spec.queues, spec.queues, &conf);
}

PortDevice& PortDevice::operator=(PortDevice&& other) noexcept {
  if (this == &other) return *this;
  Close();
  open_ = std::exchange(other.open_, false);
  id_ = other.id_;
  vdev_ = std::move(other.vdev_);
  owned_socket_ = std::move(other.owned_socket_);
  peer_ = std::move(other.peer_);
  return *this;
}

bool PortDevice::LinkUp() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

void PortDevice::Close() {
  if (!open_) return;
  open_ = false;
  peer_.reset();
  rte_eth_dev_stop(id_);
  rte_vdev_uninit(vdev_.c_str());
  std::error_code ignored;
  if (!owned_socket_.empty()) std::filesystem::remove(owned_socket_, ignored);
}

}  // namespace sluice::dataplane
