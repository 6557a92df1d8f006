#include "dataplane/pci_device.h"

#include <fmt/core.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_pci.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "dataplane/port_kind.h"

namespace sluice::dataplane {
namespace {

constexpr uint16_t kNoEthdev = RTE_MAX_ETHPORTS;
constexpr const char* kDevices = "/sys/bus/pci/devices";

// Through these DPDK reaches a device; those of Mellanox share it with the kernel.
constexpr std::array<std::string_view, 5> kUsableDrivers = {"vfio-pci", "uio_pci_generic",
                                                            "igb_uio", "mlx4_core", "mlx5_core"};

// As DPDK calls it: in full, and in lower case.
std::string CanonicalName(const std::string& address) {
  rte_pci_addr parsed{};
  if (rte_pci_addr_parse(address.c_str(), &parsed) != 0) return "";
  std::array<char, PCI_PRI_STR_SIZE> name{};
  rte_pci_device_name(&parsed, name.data(), name.size());
  return name.data();
}

std::string WordBefore(std::string_view text, char end) {
  return std::string(text.substr(0, text.find(end)));
}

// The interfaces that the kernel made of it, for people.
std::string InterfacesOf(const std::filesystem::path& device) {
  std::string names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(device / "net", error)) {
    names += fmt::format(", interface {}", entry.path().filename().string());
  }
  return names;
}

absl::StatusOr<uint16_t> FindNic(const PortSpec& spec, const std::string& allowed) {
  if (const auto fault = NicFault(kDevices, CanonicalName(spec.path))) {
    return PortError(spec, absl::StatusCode::kFailedPrecondition, *fault);
  }
  const std::string name = CanonicalName(spec.path);
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) return id;
  const int error = rte_dev_probe(allowed.c_str());
  if (error == 0 && rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) return id;
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("{}: no driver of DPDK's makes a NIC of it ({})", name,
                               rte_strerror(error < 0 ? -error : ENODEV)));
}

// One that was allowed with its representors is there already; else the driver is asked for it.
absl::StatusOr<uint16_t> FindRepresentor(const PortSpec& spec) {
  const std::string args = RowOf(spec.kind).args(spec);
  const auto find = [&args] {
    rte_dev_iterator iterator;
    if (rte_eth_iterator_init(&iterator, args.c_str()) != 0) return kNoEthdev;
    const uint16_t id = rte_eth_iterator_next(&iterator);
    if (id != RTE_MAX_ETHPORTS) rte_eth_iterator_cleanup(&iterator);
    return id;
  };
  uint16_t id = find();
  const int error = id == kNoEthdev ? rte_dev_probe(args.c_str()) : 0;
  if (error == 0 && id == kNoEthdev) id = find();
  if (id != kNoEthdev) return id;
  return PortError(spec, absl::StatusCode::kFailedPrecondition,
                   fmt::format("{}: no such representor ({}): is the driver of the physical "
                               "function one of DPDK's that has them?",
                               args, rte_strerror(error < 0 ? -error : ENODEV)));
}

absl::StatusOr<uint64_t> Own(const PortSpec& spec, uint16_t id) {
  rte_eth_dev_owner owner{};
  int error = rte_eth_dev_owner_new(&owner.id);
  spec.name.copy(owner.name, sizeof(owner.name) - 1);
  if (error == 0) error = rte_eth_dev_owner_set(id, &owner);
  if (error == 0) return owner.id;
  return PortError(spec, absl::StatusCode::kAlreadyExists,
                   fmt::format("{}: another port has it", spec.path));
}

// Whether the ethdev is all that its device is: no representors, no second port.
bool IsAlone(uint16_t ethdev) {
  unsigned parts = 0;
  uint16_t sibling = 0;
  RTE_ETH_FOREACH_DEV_SIBLING(sibling, ethdev)++ parts;
  return parts == 1;
}

bool IsRepresentor(uint16_t ethdev) {
  rte_eth_dev_info info{};
  return rte_eth_dev_info_get(ethdev, &info) == 0 &&
         (*info.dev_flags & RTE_ETH_DEV_REPRESENTOR) != 0;
}

}  // namespace

absl::StatusOr<PciDevice> PciDevice::Open(const PortSpec& spec,
                                          std::span<const std::string> allowed) {
  const std::string address = WordBefore(spec.path, '/');
  const std::string* entry = FindAllowed(allowed, address);
  if (entry == nullptr) {
    return PortError(spec, absl::StatusCode::kFailedPrecondition,
                     fmt::format("{0} is not allowed: start sluiced with --pci {0}", address));
  }
  const auto id = spec.kind == PortKind::kPci ? FindNic(spec, *entry) : FindRepresentor(spec);
  if (!id.ok()) return id.status();
  const absl::StatusOr<uint64_t> owner = Own(spec, *id);
  if (!owner.ok()) return owner.status();
  return PciDevice(*id, *owner);
}

// A representor that is stopped can be used again; closed, most drivers would not make it again.
void PciDevice::Close() const {
  rte_eth_dev_stop(ethdev_);
  rte_eth_dev_owner_unset(ethdev_, owner_);
  rte_eth_dev_info info{};
  if (!IsAlone(ethdev_) || IsRepresentor(ethdev_)) return;
  if (rte_eth_dev_info_get(ethdev_, &info) != 0) return;
  rte_eth_dev_close(ethdev_);
  rte_dev_remove(info.device);
}

const std::string* FindAllowed(std::span<const std::string> allowed, const std::string& address) {
  const std::string name = CanonicalName(address);
  const auto entry = std::ranges::find_if(allowed, [&name](const std::string& one) {
    return !name.empty() && CanonicalName(WordBefore(one, ',')) == name;
  });
  return entry == allowed.end() ? nullptr : &*entry;
}

std::optional<std::string> NicFault(const std::filesystem::path& devices,
                                    const std::string& address) {
  const std::filesystem::path device = devices / address;
  std::error_code error;
  if (!std::filesystem::exists(device, error)) {
    return fmt::format("there is no PCI device {}", address);
  }
  const std::string driver =
      std::filesystem::read_symlink(device / "driver", error).filename().string();
  if (std::ranges::find(kUsableDrivers, driver) != kUsableDrivers.end()) return std::nullopt;
  const std::string whose =
      driver.empty() ? "has no driver"
                     : fmt::format("is the kernel's (driver {}{})", driver, InterfacesOf(device));
  return fmt::format("{0} {1}: bind it to vfio-pci (dpdk-devbind.py --bind=vfio-pci {0})", address,
                     whose);
}

}  // namespace sluice::dataplane
