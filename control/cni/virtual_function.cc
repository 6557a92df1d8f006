#include "control/cni/virtual_function.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <vector>

#include "control/cni/cni_error.h"
#include "control/kube/file.h"

namespace sluice::cni {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostOfAttribute = 4096;  // bytes: a page, as sysfs has them

// Of one line; empty: it is not there, or the driver has none.
std::string ReadAttribute(const fs::path& path) {
  auto text = control::ReadFile(path.string(), kMostOfAttribute);
  if (!text.ok()) return "";
  text->erase(std::find(text->begin(), text->end(), '\n'), text->end());
  return *std::move(text);
}

std::vector<std::string> NamesIn(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    names.push_back(entries->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

fs::path DeviceIn(const fs::path& sysfs, const std::string& pci) {
  return sysfs / "bus/pci/devices" / pci;
}

// The device to which a link in a device's directory leads; empty: there is no such link.
std::string TargetOf(const fs::path& link) {
  std::error_code error;
  return fs::read_symlink(link, error).filename().string();
}

// N of "virtfnN" that leads to `pci`; -1: none does.
int NumberOf(const fs::path& physical, const std::string& pci) {
  constexpr std::string_view kPrefix = "virtfn";
  for (const std::string& name : NamesIn(physical)) {
    if (!name.starts_with(kPrefix) || TargetOf(physical / name) != pci) continue;
    int number = -1;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
    return number;
  }
  return -1;
}

// Drivers call the representor "pf0vf2", behind a controller "c1pf0vf2"; the physical function's
// number is that of its PCI address.
bool IsPortOf(std::string_view port, const VirtualFunction& function) {
  const std::string wanted = fmt::format("pf{}vf{}", function.physical.back(), function.number);
  if (port.starts_with('c')) port.remove_prefix(std::min(port.find("pf"), port.size()));
  return port == wanted;
}

// Of the NIC's switch; empty: it is not in switchdev mode. Fills in the interface.
std::string EswitchOf(const fs::path& sysfs, VirtualFunction* function) {
  for (const std::string& name : NamesIn(DeviceIn(sysfs, function->physical) / "net")) {
    const fs::path attributes = sysfs / "class/net" / name;
    const bool is_representor =
        ReadAttribute(attributes / "phys_port_name").find("vf") != std::string::npos;
    if (is_representor) continue;
    function->physical_netdev = name;
    return ReadAttribute(attributes / "phys_switch_id");
  }
  return "";
}

// Empty: there is none.
std::string RepresentorOf(const fs::path& sysfs, const VirtualFunction& function,
                          const std::string& eswitch) {
  for (const std::string& name : NamesIn(sysfs / "class/net")) {
    const fs::path attributes = sysfs / "class/net" / name;
    if (ReadAttribute(attributes / "phys_switch_id") == eswitch &&
        IsPortOf(ReadAttribute(attributes / "phys_port_name"), function)) {
      return name;
    }
  }
  return "";
}

// What `pci` is; the error is why the pod cannot have it.
absl::StatusOr<VirtualFunction> Identify(const fs::path& sysfs, const std::string& pci) {
  const fs::path device = DeviceIn(sysfs, pci);
  std::error_code error;
  if (!fs::exists(device, error)) return absl::NotFoundError("there is no such PCI device");
  VirtualFunction function{pci, TargetOf(device / "physfn"), "", 0, ""};
  if (function.physical.empty()) return absl::NotFoundError("is no virtual function");
  if (const auto own = NamesIn(device / "net"); !own.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("is interface {} of the kernel's: bind it to vfio-pci", own.front()));
  }
  const int number = NumberOf(DeviceIn(sysfs, function.physical), pci);
  if (number >= 0) {
    function.number = static_cast<unsigned>(number);
    return function;
  }
  return absl::NotFoundError(
      fmt::format("its physical function {} does not have it", function.physical));
}

// The rest of it, by the NIC's switch.
absl::Status FindEnds(const fs::path& sysfs, VirtualFunction* function) {
  const std::string eswitch = EswitchOf(sysfs, function);
  if (eswitch.empty()) {
    return absl::FailedPreconditionError(fmt::format(
        "its physical function {} is not in switchdev mode: traffic would bypass policy: devlink "
        "dev eswitch set pci/{} mode switchdev",
        function->physical, function->physical));
  }
  function->representor = RepresentorOf(sysfs, *function, eswitch);
  if (!function->representor.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("physical function {} has no representor of its virtual function {}: traffic "
                  "would bypass policy",
                  function->physical, function->number));
}

}  // namespace

absl::StatusOr<VirtualFunction> FindVirtualFunction(const std::string& sysfs,
                                                    const std::string& key,
                                                    const std::string& pci) {
  auto function = Identify(sysfs, pci);
  const absl::Status found = function.ok() ? FindEnds(sysfs, &*function) : function.status();
  if (found.ok()) return function;
  return Fail(kConfig,
              fmt::format("configuration: {}: {}: {}", key, pci, std::string(found.message())));
}

}  // namespace sluice::cni
