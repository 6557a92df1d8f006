#include "control/cni/device_info.h"

#include <nlohmann/json.hpp>

#include "control/cni/cni_error.h"
#include "control/cni/whole_file.h"

namespace sluice::cni {

absl::Status WriteDeviceInfo(const std::string& file, const std::string& socket_path,
                             bool pod_listens) {
  const nlohmann::json info = {
      {"type", "vhost-user"},
      {"version", "1.1.0"},
      {"vhost-user", {{"mode", pod_listens ? "server" : "client"}, {"path", socket_path}}}};
  const absl::Status written = WriteWholeFile(file, info.dump(2) + "\n");
  if (written.ok()) return written;
  return Fail(kIo, "device information: " + std::string(written.message()));
}

}  // namespace sluice::cni
