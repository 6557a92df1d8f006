#include <algorithm>
#include <utility>

#include "control/kube/readers.h"

namespace sluice::control {
namespace {

std::vector<acl::IpAddress> ReadAddresses(ObjectReader status) {
  std::vector<acl::IpAddress> addresses;
  for (ObjectReader& entry : status.Objects("addresses")) {
    const std::string type = entry.Text("type");
    if (type != "InternalIP" && type != "ExternalIP") continue;
    const absl::StatusOr<acl::IpAddress> address = acl::IpAddress::Parse(entry.Text("address"));
    if (!address.ok()) {
      entry.Fail("address", std::string(address.status().message()));
    } else if (std::ranges::count(addresses, *address) == 0) {
      addresses.push_back(*address);
    }
  }
  return addresses;
}

}  // namespace

absl::StatusOr<acl::Node> ReadNode(const nlohmann::json& tree) {
  absl::Status error;
  ObjectReader object(tree, "", &error);
  Metadata metadata = ReadMetadata(object);
  acl::Node node{.name = std::move(metadata.name),
                 .labels = std::move(metadata.labels),
                 .addresses = ReadAddresses(object.Object("status"))};
  if (!error.ok()) return error;
  return node;
}

}  // namespace sluice::control
