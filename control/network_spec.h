// A network as its owner wants it: one bridge domain, as plain values.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/mac_address.h"

namespace sluice::control {

// The network that is always there: the primary one of pods.
inline constexpr char kDefaultNetwork[] = "default";
inline constexpr uint16_t kMaxVlan = 4094;

struct NetworkSpec {
  // "default", "NAMESPACE/NAME" of a NetworkAttachmentDefinition, or NAME, which is one of
  // namespace default. A name has 1-63 of [a-z0-9.-], a namespace is a DNS label.
  std::string name;
  // The uplink port that carries this network beside others, told apart by VLAN. Empty: the uplink
  // port that names this network as its own, if there is one.
  std::string uplink;
  uint16_t vlan = 0;  // tag on the uplink, 0 .. kMaxVlan; 0: none
  uint32_t mtu = 0;   // told to whoever asks, not enforced; 0: not said
  bool allow_dhcp = false;
  std::vector<dataplane::MacAddress>
      routers;  // behind the uplink, that may send back what pods sent
  // Kinds of policy that act here: "network", "cluster", "multi". Empty: `default` takes network
  // and cluster, every other multi.
  std::vector<std::string> policies;

  bool operator==(const NetworkSpec&) const = default;
};

enum class PolicyFamily : uint8_t {
  kNetwork,  // NetworkPolicy, SluicePolicy that names no network
  kCluster,  // ClusterNetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy
  kMulti,    // MultiNetworkPolicy, SluicePolicy that names networks
};
bool Takes(const NetworkSpec& spec, PolicyFamily family);

// What policies and pods call the network `name`: "default/NAME" for a bare NAME.
std::string AttachmentName(const std::string& name);

// Shape only. Errors: InvalidArgument "network NAME: FIELD: REASON".
absl::Status Validate(const NetworkSpec& spec);

}  // namespace sluice::control
