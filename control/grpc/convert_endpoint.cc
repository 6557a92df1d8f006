// Namespaces, nodes and pods.
#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "control/grpc/convert_parts.h"

namespace sluice::control {
namespace {

std::string NameOf(const v1::Endpoint& proto) {
  return fmt::format("Pod {}/{}", proto.namespace_(), proto.name());
}
std::string NameOf(const v1::Node& proto) { return "Node " + proto.name(); }

template <typename Message>
absl::Status FieldError(const Message& proto, const std::string& field, std::string_view reason) {
  return absl::InvalidArgumentError(fmt::format("{}: {}: {}", NameOf(proto), field, reason));
}

template <typename Message, typename Texts>
absl::Status ReadAddresses(const Message& proto, const std::string& field, const Texts& texts,
                           std::vector<acl::IpAddress>* out) {
  for (int i = 0; i < texts.size(); ++i) {
    absl::StatusOr<acl::IpAddress> address = acl::IpAddress::Parse(texts[i]);
    if (!address.ok()) {
      return FieldError(proto, fmt::format("{}[{}]", field, i),
                        std::string(address.status().message()));
    }
    out->push_back(*address);
  }
  return absl::OkStatus();
}

absl::Status ReadNamedPorts(const v1::Endpoint& proto, std::vector<acl::NamedPort>* out) {
  for (int i = 0; i < proto.named_ports_size(); ++i) {
    const v1::NamedPort& port = proto.named_ports(i);
    if (port.port() > std::numeric_limits<uint16_t>::max()) {
      return FieldError(proto, fmt::format("named_ports[{}].port", i),
                        fmt::format("{} is above 65535", port.port()));
    }
    out->push_back({port.name(), port.protocol(), static_cast<uint16_t>(port.port())});
  }
  return absl::OkStatus();
}

absl::Status ReadAttachments(const v1::Endpoint& proto, std::vector<acl::Attachment>* out) {
  for (int i = 0; i < proto.attachments_size(); ++i) {
    const v1::Attachment& attachment = proto.attachments(i);
    acl::Attachment& added = out->emplace_back();
    added.network = attachment.network();
    absl::Status status = ReadAddresses(proto, fmt::format("attachments[{}].addresses", i),
                                        attachment.addresses(), &added.addresses);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

void Write(const acl::Namespace& ns, v1::Namespace* out) {
  out->set_name(ns.name);
  out->mutable_labels()->insert(ns.labels.begin(), ns.labels.end());
  out->set_ingress_default_deny(ns.ingress_default_deny);
}

acl::Namespace Read(const v1::Namespace& proto) {
  return {
      proto.name(), {proto.labels().begin(), proto.labels().end()}, proto.ingress_default_deny()};
}

void Write(const acl::Node& node, v1::Node* out) {
  out->set_name(node.name);
  out->mutable_labels()->insert(node.labels.begin(), node.labels.end());
  for (const acl::IpAddress& address : node.addresses) out->add_addresses(address.ToString());
}

absl::StatusOr<acl::Node> Read(const v1::Node& proto) {
  acl::Node node;
  node.name = proto.name();
  node.labels = {proto.labels().begin(), proto.labels().end()};
  absl::Status status = ReadAddresses(proto, "addresses", proto.addresses(), &node.addresses);
  if (!status.ok()) return status;
  return node;
}

void Write(const acl::Endpoint& endpoint, v1::Endpoint* out) {
  out->set_namespace_(endpoint.namespace_name);
  out->set_name(endpoint.name);
  out->set_uid(endpoint.uid);
  out->mutable_labels()->insert(endpoint.labels.begin(), endpoint.labels.end());
  for (const acl::IpAddress& address : endpoint.addresses) out->add_addresses(address.ToString());
  for (const acl::NamedPort& port : endpoint.named_ports) {
    v1::NamedPort* added = out->add_named_ports();
    added->set_name(port.name);
    added->set_protocol(port.protocol);
    added->set_port(port.port);
  }
  out->set_node(endpoint.node);
  for (const acl::IpAddress& address : endpoint.node_addresses) {
    out->add_node_addresses(address.ToString());
  }
  out->set_host_network(endpoint.host_network);
  for (const acl::Attachment& attachment : endpoint.attachments) {
    v1::Attachment* added = out->add_attachments();
    added->set_network(attachment.network);
    for (const acl::IpAddress& address : attachment.addresses) {
      added->add_addresses(address.ToString());
    }
  }
}

absl::StatusOr<acl::Endpoint> Read(const v1::Endpoint& proto) {
  acl::Endpoint endpoint;
  endpoint.namespace_name = proto.namespace_();
  endpoint.name = proto.name();
  endpoint.uid = proto.uid();
  endpoint.labels = {proto.labels().begin(), proto.labels().end()};
  endpoint.node = proto.node();
  endpoint.host_network = proto.host_network();
  absl::Status status = ReadAddresses(proto, "addresses", proto.addresses(), &endpoint.addresses);
  if (status.ok()) {
    status =
        ReadAddresses(proto, "node_addresses", proto.node_addresses(), &endpoint.node_addresses);
  }
  if (status.ok()) status = ReadAttachments(proto, &endpoint.attachments);
  if (status.ok()) status = ReadNamedPorts(proto, &endpoint.named_ports);
  if (!status.ok()) return status;
  return endpoint;
}

}  // namespace sluice::control
