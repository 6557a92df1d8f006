// The interface of a tap port in the pod's network namespace. The switch makes it, with its MAC and
// MTU; this gives it what the kernel is to know: addresses, routes, settings.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "control/cni/result.h"

namespace sluice::cni {

struct PodInterface {
  std::string netns;  // path
  std::string name;
  std::string mac;
  uint32_t mtu = 0;
  std::vector<IpConfig> ips;
  std::vector<nlohmann::json> routes;  // as a result has them; without "gw": the gateway of `ips`
};

// Interface `index` of `result`, with its addresses and all routes.
PodInterface InterfaceIn(const Result& result, size_t index, uint32_t mtu);

// Whether `netns`, which may be the thread's own, has an interface of that name. Errors:
// kEnvironment: it is no network namespace; kIo: it cannot be entered.
absl::StatusOr<bool> HasInterface(const std::string& netns, const std::string& name);

// The routes that it made: one to a destination that is there already stays. Errors: kIo "interface
// NAME in NETNS: REASON".
absl::StatusOr<std::vector<nlohmann::json>> SetUp(const PodInterface& interface);

// Whether all of that is so still, of a route destination, table and gateway. Errors: kCheck naming
// what is not, kIo; as above.
absl::Status CheckSetUp(const PodInterface& interface);

// Takes away the tap `name` that has `mac`. Nothing else is touched; a namespace or an interface
// that is not there is no error. Errors: kIo as above.
absl::Status TakeAway(const std::string& netns, const std::string& name, const std::string& mac);

}  // namespace sluice::cni
