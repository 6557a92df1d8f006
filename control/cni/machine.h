// The hardware of the node, as far as the plugin touches it; tests have one of their own.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <optional>
#include <string>

#include "control/cni/virtual_function.h"
#include "dataplane/mac_address.h"

namespace sluice::cni {

struct Machine {
  std::string sysfs;
  // The address that a virtual function has; nothing: its driver does not say. Errors: kIo.
  std::function<absl::StatusOr<std::optional<dataplane::MacAddress>>(const VirtualFunction&)>
      mac_of;
  // Makes `mac` the address that a virtual function has, and may send from. Errors: kIo.
  std::function<absl::Status(const VirtualFunction&, const dataplane::MacAddress& mac)> set_mac;
};

// The one that this runs on.
Machine ThisMachine();

}  // namespace sluice::cni
