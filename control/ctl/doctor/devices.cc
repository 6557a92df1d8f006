#include <fmt/format.h>

#include "control/ctl/doctor/examine.h"

namespace sluice::ctl {
namespace {

Finding Iommu(const MachineTree& tree, bool wanted) {
  const size_t groups = tree.List("/sys/kernel/iommu_groups").size();
  if (groups > 0) return {Level::kOk, "iommu", fmt::format("on, {} groups", groups), ""};
  if (!wanted) return {Level::kOk, "iommu", "off; no PCI device needs it", ""};
  return {Level::kFail, "iommu", "off: a device could write to any memory",
          "switch it on in the firmware, and boot with intel_iommu=on iommu=pt (AMD: iommu=pt)"};
}

Finding Vfio(const MachineTree& tree, bool wanted) {
  if (tree.Stat("/sys/module/vfio_pci")) return {Level::kOk, "vfio", "vfio-pci is loaded", ""};
  if (!wanted) return {Level::kOk, "vfio", "not loaded; no PCI device needs it", ""};
  return {Level::kWarn, "vfio", "vfio-pci is not loaded",
          "modprobe vfio-pci, unless the driver shares its device with DPDK (mlx5)"};
}

Finding Device(const MachineTree& tree, const std::string& pci) {
  const std::string directory = "/sys/bus/pci/devices/" + pci;
  if (!tree.Stat(directory)) {
    return {Level::kFail, "pci-device", pci + " is not there", "lspci -D says what is"};
  }
  const std::string driver = tree.LinkName(directory + "/driver");
  const std::string group = tree.LinkName(directory + "/iommu_group");
  const std::string text =
      fmt::format("{}: driver {}, IOMMU group {}", pci, driver.empty() ? "none" : driver,
                  group.empty() ? "none" : group);
  if (driver == "vfio-pci" && !tree.Stat("/dev/vfio/" + group)) {
    return {Level::kFail, "pci-device", text + ", but no /dev/vfio/" + group,
            "give the container /dev/vfio, or bind the device anew"};
  }
  if (driver == "vfio-pci" || driver == "mlx5_core") return {Level::kOk, "pci-device", text, ""};
  return {Level::kWarn, "pci-device", text,
          fmt::format("dpdk-devbind.py --bind=vfio-pci {}, unless its driver shares it with DPDK",
                      pci)};
}

}  // namespace

Findings ExamineDevices(const MachineTree& tree, const SwitchNeeds& needs) {
  const bool wanted = !needs.pci.empty();
  Findings findings = {Iommu(tree, wanted), Vfio(tree, wanted)};
  for (const std::string& pci : needs.pci) findings.push_back(Device(tree, pci));
  return findings;
}

}  // namespace sluice::ctl
