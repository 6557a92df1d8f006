#include "dataplane/port_device.h"

#include <fmt/core.h>
#include <net/if.h>
#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>

namespace sluice::dataplane {
namespace {

constexpr uint16_t kDescriptors = 1024;
constexpr unsigned kRingSize = 1024;

absl::Status Fail(const PortSpec& spec, absl::StatusCode code, std::string_view reason) {
  return absl::Status(code, fmt::format("port {}: {}", spec.name, reason));
}

// Makes the socket and takes it away again: permissions, read-only and special file systems show
// themselves here with a reason, which the vhost library would not give.
absl::Status TrySocket(const PortSpec& spec) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  spec.path.copy(address.sun_path, sizeof(address.sun_path) - 1);  // Validate bounds it
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool made =
      fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (made) unlink(spec.path.c_str());
  if (made) return absl::OkStatus();
  return Fail(spec, absl::StatusCode::kFailedPrecondition,
              fmt::format("socket {} cannot be made: {}", spec.path, rte_strerror(error)));
}

absl::Status CheckSocketServer(const PortSpec& spec) {
  const std::filesystem::path path(spec.path);
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
    return Fail(spec, absl::StatusCode::kAlreadyExists,
                fmt::format("socket path {} exists already", spec.path));
  }
  const std::string directory = path.parent_path().string();
  if (!std::filesystem::is_directory(directory, error)) {
    return Fail(spec, absl::StatusCode::kFailedPrecondition,
                fmt::format("there is no directory {} for the socket", directory));
  }
  return TrySocket(spec);
}

// The peer's socket may come later, but nothing else may be in its place.
absl::Status CheckSocketClient(const PortSpec& spec) {
  std::error_code error;
  const auto status = std::filesystem::status(spec.path, error);
  if (!std::filesystem::exists(status) || std::filesystem::is_socket(status)) {
    return absl::OkStatus();
  }
  return Fail(spec, absl::StatusCode::kFailedPrecondition,
              fmt::format("{} is not a socket", spec.path));
}

absl::Status CheckNothing(const PortSpec&) { return absl::OkStatus(); }

absl::Status CheckNewInterface(const PortSpec& spec) {
  if (if_nametoindex(spec.path.c_str()) == 0) return absl::OkStatus();
  return Fail(spec, absl::StatusCode::kAlreadyExists,
              fmt::format("network interface {} exists already", spec.path));
}

absl::Status CheckInterface(const PortSpec& spec) {
  if (if_nametoindex(spec.path.c_str()) != 0) return absl::OkStatus();
  return Fail(spec, absl::StatusCode::kFailedPrecondition,
              fmt::format("there is no network interface {}", spec.path));
}

absl::Status CheckPcap(const PortSpec& spec) {
  if (spec.path.empty() || access(spec.path.c_str(), R_OK) == 0) return absl::OkStatus();
  return Fail(spec, absl::StatusCode::kFailedPrecondition,
              fmt::format("file {} is not readable", spec.path));
}

std::string VhostServerArgs(const PortSpec& spec) {
  return fmt::format("iface={},queues=1,tso=0", spec.path);
}
std::string VhostClientArgs(const PortSpec& spec) {
  return fmt::format("iface={},queues=1,tso=0,client=1", spec.path);
}
// The kernel side of the tap is the pod's interface.
std::string TapArgs(const PortSpec& spec) {
  if (spec.mac.IsZero()) return fmt::format("iface={}", spec.path);
  return fmt::format("iface={},mac={}", spec.path, spec.mac.ToString());
}
std::string AfPacketArgs(const PortSpec& spec) {
  return fmt::format("iface={},qpairs=1,blocksz=4096,framesz=2048,framecnt=2048", spec.path);
}
std::string PcapArgs(const PortSpec& spec) {
  std::string args;
  if (!spec.path.empty()) args += fmt::format("rx_pcap={}", spec.path);
  if (!spec.pcap_out.empty()) {
    args += fmt::format("{}tx_pcap={}", args.empty() ? "" : ",", spec.pcap_out);
  }
  return args;
}

// One row a kind. A null driver means a device made from rings.
struct KindRow {
  PortKind kind;
  const char* driver;
  absl::Status (*check)(const PortSpec&);
  std::string (*args)(const PortSpec&);
};
constexpr KindRow kKinds[] = {
    {PortKind::kVhostServer, "net_vhost", CheckSocketServer, VhostServerArgs},
    {PortKind::kVhostClient, "net_vhost", CheckSocketClient, VhostClientArgs},
    {PortKind::kTap, "net_tap", CheckNewInterface, TapArgs},
    {PortKind::kAfPacket, "net_af_packet", CheckInterface, AfPacketArgs},
    {PortKind::kPcap, "net_pcap", CheckPcap, PcapArgs},
    {PortKind::kRing, nullptr, CheckNothing, nullptr},
};

const KindRow& RowOf(PortKind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) return row;
  }
  return kKinds[0];
}

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
    return Fail(spec, absl::StatusCode::kInternal,
                fmt::format("no ring: {}", rte_strerror(rte_errno)));
  }
  const std::string name = NextVdevName("ring");
  const int id = rte_eth_from_rings(name.c_str(), &rx, 1, &tx, 1, 0);
  if (id < 0) {
    return Fail(spec, absl::StatusCode::kInternal,
                fmt::format("no ring device: {}", rte_strerror(rte_errno)));
  }
  *vdev = "net_ring_" + name;  // as rte_eth_from_rings calls it
  return static_cast<uint16_t>(id);
}

}  // namespace

std::string RingName(const PortSpec& spec, bool into_switch) {
  return spec.name + (into_switch ? "-rx" : "-tx");
}

absl::StatusOr<PortDevice> PortDevice::Open(const PortSpec& spec, rte_mempool* pool) {
  const KindRow& row = RowOf(spec.kind);
  if (absl::Status usable = row.check(spec); !usable.ok()) return usable;
  if (rte_eth_dev_count_total() >= RTE_MAX_ETHPORTS) {
    return Fail(spec, absl::StatusCode::kResourceExhausted,
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
      return Fail(spec, absl::StatusCode::kInternal,
                  fmt::format("{} does not open {}: {}", row.driver, row.args(spec),
                              rte_strerror(error < 0 ? -error : rte_errno)));
    }
  }
  device.open_ = true;
  if (spec.kind == PortKind::kVhostServer) device.owned_socket_ = spec.path;
  if (absl::Status started = device.Start(spec, pool); !started.ok()) return started;
  return device;
}

absl::Status PortDevice::Start(const PortSpec& spec, rte_mempool* pool) {
  const rte_eth_conf conf{};
  uint16_t rx_descriptors = kDescriptors, tx_descriptors = kDescriptors;
  const char* step = "configure";
  int error = rte_eth_dev_configure(id_, 1, 1, &conf);
  if (error == 0) rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors, &tx_descriptors);
  if (error == 0) {
    step = "receive queue";
    error = rte_eth_rx_queue_setup(id_, 0, rx_descriptors, SOCKET_ID_ANY, nullptr, pool);
  }
  if (error == 0) {
    step = "transmit queue";
    error = rte_eth_tx_queue_setup(id_, 0, tx_descriptors, SOCKET_ID_ANY, nullptr);
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
  return Fail(spec, absl::StatusCode::kInternal, fmt::format("{}: {}", step, rte_strerror(-error)));
}

PortDevice& PortDevice::operator=(PortDevice&& other) noexcept {
  if (this == &other) return *this;
  Close();
  open_ = std::exchange(other.open_, false);
  id_ = other.id_;
  vdev_ = std::move(other.vdev_);
  owned_socket_ = std::move(other.owned_socket_);
  return *this;
}

bool PortDevice::LinkUp() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

void PortDevice::Close() {
  if (!open_) return;
  open_ = false;
  rte_eth_dev_stop(id_);
  rte_vdev_uninit(vdev_.c_str());
  std::error_code ignored;
  if (!owned_socket_.empty()) std::filesystem::remove(owned_socket_, ignored);
}

}  // namespace sluice::dataplane
