// A network as its owner wants it: one bridge domain, as plain values.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/mac_address.h"

namespace sluice::control {

// The network that is always there, and the only one that NetworkPolicy acts on.
inline constexpr char kDefaultNetwork[] = "default";
inline constexpr uint16_t kMaxVlan = 4094;

struct NetworkSpec {
  std::string name;  // 1-32 of [a-z0-9.-]
  // The uplink port that carries this network beside others, told apart by VLAN. Empty: the uplink
  // port that names this network as its own, if there is one.
  std::string uplink;
  uint16_t vlan = 0;  // tag on the uplink, 0 .. kMaxVlan; 0: none
  uint32_t mtu = 0;   // told to whoever asks, not enforced; 0: not said
  bool allow_dhcp = false;
  std::vector<dataplane::MacAddress>
      routers;  // behind the uplink, that may send back what pods sent

  bool operator==(const NetworkSpec&) const = default;
};

// Shape only. Errors: InvalidArgument "network NAME: FIELD: REASON".
absl::Status Validate(const NetworkSpec& spec);

}  // namespace sluice::control
