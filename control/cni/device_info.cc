#include "control/cni/device_info.h"

#include <filesystem>

#include "control/cni/cni_error.h"
#include "control/whole_file.h"

namespace sluice::cni {
namespace {

constexpr const char* kVersion = "1.1.0";

}  // namespace

nlohmann::json VhostUserInfo(const std::string& socket_path, bool pod_listens) {
  return {{"type", "vhost-user"},
          {"version", kVersion},
          {"vhost-user", {{"mode", pod_listens ? "server" : "client"}, {"path", socket_path}}}};
}

nlohmann::json PciInfo(const VirtualFunction& function) {
  return {{"type", "pci"},
          {"version", kVersion},
          {"pci",
           {{"pci-address", function.pci},
            {"pf-pci-address", function.physical},
            {"representor-device", function.representor}}}};
}

absl::Status WriteDeviceInfo(const std::string& file, const nlohmann::json& info) {
  absl::Status written = control::MakeDirectories(std::filesystem::path(file).parent_path());
  if (written.ok()) written = control::WriteWholeFile(file, info.dump(2) + "\n", 0644);
  return FailIo("device information: ", written);
}

}  // namespace sluice::cni
