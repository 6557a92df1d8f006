#include "dataplane/port_device.h"

#include <fmt/core.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <utility>

#include "dataplane/network_namespace.h"
#include "dataplane/port_kind.h"

namespace sluice::dataplane {
namespace {

constexpr uint16_t kRxDescriptors = 1024, kTxDescriptors = 1024;
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

absl::StatusOr<uint16_t> OpenVdev(const PortSpec& spec, std::string* vdev) {
  const PortKindRow& row = RowOf(spec.kind);
  const std::string name = NextVdevName(row.driver), args = row.args(spec);
  uint16_t id = 0;
  const int error = rte_vdev_init(name.c_str(), args.c_str());
  if (error == 0 && rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) {
    *vdev = name;
    return id;
  }
  if (error == 0) rte_vdev_uninit(name.c_str());
  return PortError(spec, absl::StatusCode::kInternal,
                   fmt::format("{} does not open {}: {}", row.driver, args,
                               rte_strerror(error < 0 ? -error : rte_errno)));
}

// Where the port is: the thread is in its network namespace until the result's end.
absl::StatusOr<std::optional<NetworkNamespaceScope>> GoTo(const PortSpec& spec) {
  std::optional<NetworkNamespaceScope> place;
  if (spec.netns.empty()) return place;
  auto scope = NetworkNamespaceScope::Enter(spec.netns);
  if (!scope.ok()) {
    return PortError(spec, absl::StatusCode::kFailedPrecondition,
                     std::string(scope.status().message()));
  }
  place.emplace(*std::move(scope));
  return place;
}

}  // namespace

std::string RingName(const PortSpec& spec, bool into_switch) {
  return spec.name + (into_switch ? "-rx" : "-tx");
}

bool NeedsJumboBuffers(const PortSpec& spec) {
  return RowOf(spec.kind).whole_frames && spec.mtu > kDefaultMtu;
}

absl::StatusOr<PortDevice> PortDevice::Open(const PortSpec& spec, const DeviceNeeds& needs) {
  const PortKindRow& row = RowOf(spec.kind);
  const auto place = GoTo(spec);
  if (!place.ok()) return place.status();
  if (absl::Status usable = row.check(spec); !usable.ok()) return usable;
  PortDevice device;
  absl::Status opened = row.maker == DeviceMaker::kVhostSocket ? device.OpenVhost(spec, needs)
                        : row.maker == DeviceMaker::kTunDevice ? device.OpenTap(spec, needs)
                                                               : device.OpenEthdev(spec, needs);
  if (!opened.ok()) return opened;
  return device;
}

absl::Status PortDevice::OpenVhost(const PortSpec& spec, const DeviceNeeds& needs) {
  PortSpec way = spec;
  if (absl::Status sealed = Seal(&way); !sealed.ok()) return sealed;
  const bool server = spec.kind == PortKind::kVhostServer;
  auto port = VhostPort::Open({.path = way.path,
                               .role = server ? VhostRole::kServer : VhostRole::kClient,
                               .queues = spec.queues,
                               .pool = needs.pool,
                               .tx = needs.tx,
                               .readers = needs.readers});
  if (!port.ok()) return PortError(spec, port.status());
  vhost_ = *std::move(port);
  return absl::OkStatus();
}

// The kernel side of the tap is the pod's interface.
absl::Status PortDevice::OpenTap(const PortSpec& spec, const DeviceNeeds& needs) {
  auto port = TapPort::Open({.interface = {.name = spec.path,
                                           .mac = spec.mac,
                                           .mtu = spec.mtu,
                                           .stays = !spec.netns.empty()},
                             .pool = needs.pool,
                             .tx = needs.tx,
                             .watch = needs.taps});
  if (!port.ok()) return PortError(spec, port.status());
  tap_ = *std::move(port);
  return absl::OkStatus();
}

absl::Status PortDevice::OpenEthdev(const PortSpec& spec, const DeviceNeeds& needs) {
  if (rte_eth_dev_count_total() >= RTE_MAX_ETHPORTS) {
    return PortError(
        spec, absl::StatusCode::kResourceExhausted,
        fmt::format("this build of DPDK allows {} ports that are neither vhost-user nor "
                    "tap (RTE_MAX_ETHPORTS), all are in use",
                    RTE_MAX_ETHPORTS));
  }
  if (spec.kind == PortKind::kMemifServer || spec.kind == PortKind::kMemifClient) {
    memif_ = std::make_unique<MemifGuard>(needs.readers);
  }
  const DeviceMaker maker = RowOf(spec.kind).maker;
  if (maker == DeviceMaker::kPciDevice) {
    absl::StatusOr<PciDevice> device = PciDevice::Open(spec, needs.pci);
    if (!device.ok()) return device.status();
    id_ = device->ethdev();
    pci_ = *std::move(device);
  } else {
    const auto id = maker == DeviceMaker::kRings ? OpenRings(spec, &vdev_) : OpenVdev(spec, &vdev_);
    if (!id.ok()) return id.status();
    id_ = *id;
  }
  open_ = true;
  if (spec.kind == PortKind::kAfXdp) return StartXdp(spec, needs.pool);
  return Start(spec, needs.pool);
}

absl::Status PortDevice::StartXdp(const PortSpec& spec, rte_mempool* pool) {
  absl::StatusOr<XdpPort> made = XdpPort::Make();
  if (!made.ok()) return PortError(spec, made.status());
  xdp_ = *std::move(made);
  absl::Status started = Start(spec, xdp_->pool());
  xdp_->NoteSockets();
  if (!started.ok()) return started;
  const absl::Status copies = xdp_->CopyTo(pool, id_);
  return copies.ok() ? copies : PortError(spec, copies);
}

absl::Status PortDevice::Seal(PortSpec* spec) {
  if (spec->kind != PortKind::kVhostClient || spec->attachment.empty()) return absl::OkStatus();
  const std::filesystem::path path(spec->path);
  auto directory = SealedDirectory::Open(path.parent_path().string());
  if (!directory.ok()) {
    return PortError(*spec, absl::StatusCode::kFailedPrecondition,
                     std::string(directory.status().message()));
  }
  sealed_.emplace(*std::move(directory));
  spec->path = sealed_->path() + "/" + path.filename().string();
  return absl::OkStatus();
}

absl::Status PortDevice::Start(const PortSpec& spec, rte_mempool* pool) {
  const PortKindRow& row = RowOf(spec.kind);
  const char* step = "configure";
  int error = Configure(spec.queues);
  if (error == 0 && row.sets_mtu) {
    step = "mtu";
    error = rte_eth_dev_set_mtu(id_, spec.mtu);
  }
  uint16_t rx_descriptors = kRxDescriptors, tx_descriptors = kTxDescriptors;
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
  if (error == 0 && row.promiscuous) {
    step = "promiscuous mode";
    error = rte_eth_promiscuous_enable(id_);
  }
  if (error == 0) return absl::OkStatus();
  return PortError(spec, absl::StatusCode::kInternal,
                   fmt::format("{}: {}{}", step, rte_strerror(-error), row.hint));
}

// Chains of buffers both ways. Checksums are not asked for: the device would verify every one.
int PortDevice::Configure(uint8_t queues) const {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0) return error;
  rte_eth_conf conf{};
  conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
  conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  return rte_eth_dev_configure(id_, queues, queues, &conf);
}

PortDevice& PortDevice::operator=(PortDevice&& other) noexcept {
  if (this == &other) return *this;
  Close();
  open_ = std::exchange(other.open_, false);
  id_ = other.id_;
  pci_ = other.pci_;
  xdp_ = std::exchange(other.xdp_, std::nullopt);
  memif_ = std::move(other.memif_);
  vdev_ = std::move(other.vdev_);
  vhost_ = std::move(other.vhost_);
  tap_ = std::move(other.tap_);
  sealed_ = std::move(other.sealed_);
  return *this;
}

PortIo PortDevice::io() const {
  if (vhost_ != nullptr) return PortIo(vhost_.get());
  return tap_ != nullptr ? PortIo(tap_.get()) : PortIo(id_, /*one_piece=*/xdp_.has_value());
}

bool PortDevice::LinkUp() const {
  if (vhost_ != nullptr) return vhost_->LinkUp();
  if (tap_ != nullptr) return tap_->LinkUp();
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

void PortDevice::Close() {
  vhost_.reset();
  tap_.reset();
  if (!std::exchange(open_, false)) return;
  if (pci_.has_value()) {
    pci_->Close();
  } else {
    rte_eth_dev_stop(id_);
    if (xdp_.has_value()) xdp_->StopCopying(id_);
    rte_vdev_uninit(vdev_.c_str());
  }
  if (xdp_.has_value()) xdp_->CloseSockets();
  xdp_.reset();
  memif_.reset();
}

}  // namespace sluice::dataplane
