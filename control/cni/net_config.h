// The network configuration that the runtime writes to standard input.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "acl/address.h"
#include "control/cni/result.h"
#include "dataplane/mac_address.h"

namespace sluice::cni {

enum class PortType { kVhostUser, kTap, kSriov };

// What only ADD needs: how the port is to be. docs/cni.md has the keys and their defaults.
struct PortConfig {
  PortType type = PortType::kVhostUser;
  std::string network;      // of the switch
  bool pod_listens = true;  // role "client": the pod makes the socket, the switch connects to it
  std::string socket_directory;
  std::string pod_socket_directory;  // where a pod sees its own one; empty: nobody says
  unsigned socket_mode = 0;          // of a socket that the switch makes
  std::string socket_group;          // empty: the switch's own
  uint8_t queues = 1;
  uint16_t mtu = 0;
  std::optional<dataplane::MacAddress> mac;
  std::vector<std::string> addresses;  // runtimeConfig.ips, "ADDRESS/LENGTH"
  std::string device_info_file;        // absolute; empty: none is asked for
  std::string device, device_key;      // kSriov: PCI address of the VF, and the key that says so
};

struct NetConfig {
  std::string version;  // of CNI, one of kVersions
  std::string name;
  nlohmann::json json;  // all of it, for delegated plugins
  std::optional<Result> previous;
  std::string ipam;    // the plugin's name; empty: none
  std::string daemon;  // "unix:PATH"
  std::chrono::seconds timeout{0};
  std::string state_directory;
  std::string
      daemon_state_directory;  // sluiced's --state-directory; empty: it keeps none, or unknown
  // GC: container ID and interface name of what is there; nothing: the runtime does not say.
  std::optional<std::vector<std::pair<std::string, std::string>>> valid;
  PortConfig port;  // as above
};

// For `command`. What only ADD needs is read for ADD and CHECK and STATUS alone: a mistake in it
// must not keep DEL and GC from what they do. Errors: kDecode, kIncompatibleVersion, kConfig and
// kUnsupportedField, all "configuration: KEY: REASON".
absl::StatusOr<NetConfig> ReadNetConfig(const std::string& text, const std::string& command);

// The version that `text` asks for, spoken here or not; the newest if it says none.
std::string AskedVersionOf(const std::string& text);

// The version that `text` asks for, if it is one that errors can be told in; else the newest.
std::string VersionOf(const std::string& text);

}  // namespace sluice::cni
