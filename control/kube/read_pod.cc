#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "control/kube/annotations.h"
#include "control/kube/readers.h"

namespace sluice::control {
namespace {

void AddOnce(const acl::IpAddress& address, std::vector<acl::IpAddress>* addresses) {
  if (std::ranges::count(*addresses, address) == 0) addresses->push_back(address);
}

void AddAddress(ObjectReader& holder, std::string_view field,
                std::vector<acl::IpAddress>* addresses) {
  const std::string text = holder.Text(field);
  if (text.empty()) return;
  absl::StatusOr<acl::IpAddress> address = acl::IpAddress::Parse(text);
  if (!address.ok()) {
    holder.Fail(field, std::string(address.status().message()));
  } else {
    AddOnce(*address, addresses);
  }
}

// The list holds the single field's address too; older servers write only the latter.
std::vector<acl::IpAddress> ReadAddresses(ObjectReader& status, std::string_view list,
                                          std::string_view single) {
  std::vector<acl::IpAddress> addresses;
  for (ObjectReader& entry : status.Objects(list)) AddAddress(entry, "ip", &addresses);
  AddAddress(status, single, &addresses);
  return addresses;
}

void AddNamedPorts(ObjectReader& container, std::vector<acl::NamedPort>* named_ports) {
  constexpr int64_t kMaxPort = 65535;
  for (ObjectReader& port : container.Objects("ports")) {
    std::string name = port.Text("name");
    std::string protocol = port.Text("protocol");
    const int64_t number = port.Integer("containerPort").value_or(0);
    if (number < 1 || number > kMaxPort) {
      port.Fail("containerPort", "must be between 1 and 65535");
    } else if (!name.empty()) {
      named_ports->push_back({std::move(name), std::move(protocol), static_cast<uint16_t>(number)});
    }
  }
}

// Containers, and init containers that keep running beside them.
std::vector<acl::NamedPort> ReadNamedPorts(ObjectReader& spec) {
  std::vector<acl::NamedPort> named_ports;
  for (ObjectReader& container : spec.Objects("initContainers")) {
    if (container.Text("restartPolicy") == "Always") AddNamedPorts(container, &named_ports);
  }
  for (ObjectReader& container : spec.Objects("containers")) {
    AddNamedPorts(container, &named_ports);
  }
  return named_ports;
}

// A finished pod's address may be another pod's by now; a host-network pod's is its node's.
void DropForeignAddresses(const std::string& phase, acl::Endpoint* endpoint) {
  const bool finished = phase == "Succeeded" || phase == "Failed";
  if (finished) {
    endpoint->addresses.clear();
    endpoint->attachments.clear();
    endpoint->node_addresses.clear();
  } else if (endpoint->host_network) {
    for (const acl::IpAddress& address : endpoint->addresses) {
      AddOnce(address, &endpoint->node_addresses);
    }
    endpoint->addresses.clear();
    endpoint->attachments.clear();
  }
}

}  // namespace

absl::StatusOr<acl::Endpoint> ReadPod(const nlohmann::json& tree) {
  absl::Status error;
  ObjectReader object(tree, "", &error);
  Metadata metadata = ReadMetadata(object);
  std::vector<acl::Attachment> attachments = ReadAttachments(metadata, &error);
  ObjectReader spec = object.Object("spec");
  ObjectReader status = object.Object("status");
  acl::Endpoint endpoint{.namespace_name = std::move(metadata.namespace_name),
                         .name = std::move(metadata.name),
                         .uid = std::move(metadata.uid),
                         .labels = std::move(metadata.labels),
                         .addresses = ReadAddresses(status, "podIPs", "podIP"),
                         .attachments = std::move(attachments),
                         .named_ports = ReadNamedPorts(spec),
                         .node = spec.Text("nodeName"),
                         .node_addresses = ReadAddresses(status, "hostIPs", "hostIP"),
                         .host_network = spec.Boolean("hostNetwork")};
  DropForeignAddresses(status.Text("phase"), &endpoint);
  if (!error.ok()) return error;
  return endpoint;
}

}  // namespace sluice::control
