// A sysfs with SR-IOV NICs, as far as the plugin looks at it.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::cni {

class MadeSysfs {
 public:
  explicit MadeSysfs(std::filesystem::path root) : root_(std::move(root)) {}

  std::string path() const { return root_.string(); }

  // A physical function; `eswitch` empty: in legacy mode.
  void AddPhysical(const std::string& pci, const std::string& netdev, const std::string& eswitch) {
    AddInterface(pci, netdev, eswitch, eswitch.empty() ? "" : "p0");
  }
  void AddVirtual(const std::string& physical, unsigned number, const std::string& pci) {
    Link(Device(physical) / ("virtfn" + std::to_string(number)), pci);
    Link(Device(pci) / "physfn", physical);
  }
  // An interface of the device `pci`.
  void AddInterface(const std::string& pci, const std::string& netdev, const std::string& eswitch,
                    const std::string& port) {
    std::filesystem::create_directories(Device(pci) / "net" / netdev);
    const std::filesystem::path attributes = root_ / "class/net" / netdev;
    std::filesystem::create_directories(attributes);
    std::ofstream(attributes / "phys_switch_id") << eswitch << (eswitch.empty() ? "" : "\n");
    std::ofstream(attributes / "phys_port_name") << port << (port.empty() ? "" : "\n");
  }

 private:
  std::filesystem::path Device(const std::string& pci) const {
    return root_ / "bus/pci/devices" / pci;
  }
  void Link(const std::filesystem::path& link, const std::string& pci) const {
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_symlink("../" + pci, link);
  }

  const std::filesystem::path root_;
};

}  // namespace sluice::cni
