// The file by which Multus learns of the device behind an interface (NPWG device-info-spec 1.1).
#pragma once

#include <absl/status/status.h>

#include <nlohmann/json.hpp>
#include <string>

#include "control/cni/virtual_function.h"

namespace sluice::cni {

// Of a vhost-user port, whose socket the application finds there. The specification's mode is the
// application's side: "server" makes the socket.
nlohmann::json VhostUserInfo(const std::string& socket_path, bool pod_listens);

nlohmann::json PciInfo(const VirtualFunction& function);

// Errors: kIo "device information: PATH: REASON".
absl::Status WriteDeviceInfo(const std::string& file, const nlohmann::json& info);

}  // namespace sluice::cni
