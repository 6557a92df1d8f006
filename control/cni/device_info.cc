#include "control/cni/device_info.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "control/cni/cni_error.h"
#include "control/whole_file.h"

namespace sluice::cni {

absl::Status WriteDeviceInfo(const std::string& file, const std::string& socket_path,
                             bool pod_listens) {
  const nlohmann::json info = {
      {"type", "vhost-user"},
      {"version", "1.1.0"},
      {"vhost-user", {{"mode", pod_listens ? "server" : "client"}, {"path", socket_path}}}};
  absl::Status written = control::MakeDirectories(std::filesystem::path(file).parent_path());
  if (written.ok()) written = control::WriteWholeFile(file, info.dump(2) + "\n", 0644);
  return FailIo("device information: ", written);
}

}  // namespace sluice::cni
