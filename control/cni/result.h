// The success result: what is read of earlier and delegated plugins, and what the runtime is told.
#pragma once

#include <absl/status/statusor.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "acl/address.h"

namespace sluice::cni {

struct Interface {
  std::string name;
  std::string mac;          // may be empty, as all below
  uint32_t mtu = 0;         // 0: not said
  std::string sandbox;      // empty: on the host
  std::string socket_path;  // vhost-user
  std::string pci_id;
  bool operator==(const Interface&) const = default;
};

struct IpConfig {
  std::string address;                // "10.1.0.5/16"
  std::string gateway;                // may be empty
  std::optional<unsigned> interface;  // index into Result::interfaces
  bool operator==(const IpConfig&) const = default;
};

struct Result {
  std::vector<Interface> interfaces;
  std::vector<IpConfig> ips;
  std::vector<nlohmann::json> routes;  // as they came: {"dst": .., "gw": .., ..}
  nlohmann::json dns;                  // as it came; null: none
};

// Of any version spoken here. Errors: kDecode "WHO: FIELD: REASON".
absl::StatusOr<Result> ParseResult(const nlohmann::json& json, const std::string& who);

// As `version` has it: before 1.0.0 an IP says its version, before 1.1.0 interfaces have neither
// MTU nor socket nor PCI address, and routes no more than destination and gateway.
nlohmann::json ToJson(const Result& result, const std::string& version);

// The address of "ADDRESS/LENGTH"; nothing if it is not one.
std::optional<acl::IpAddress> AddressOf(const std::string& with_length);

}  // namespace sluice::cni
