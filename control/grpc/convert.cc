#include "control/grpc/convert.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "acl/validate.h"

namespace sluice::control {
namespace {

// Writers: one for each message, in the order of objects.proto.

void Write(const acl::LabelSelector& selector, v1::LabelSelector* out) {
  out->mutable_match_labels()->insert(selector.match_labels.begin(), selector.match_labels.end());
  for (const acl::Requirement& requirement : selector.match_expressions) {
    v1::LabelSelectorRequirement* added = out->add_match_expressions();
    added->set_key(requirement.key);
    added->set_operator_(requirement.op);
    added->mutable_values()->Assign(requirement.values.begin(), requirement.values.end());
  }
}

void Write(const acl::Namespace& ns, v1::Namespace* out) {
  out->set_name(ns.name);
  out->mutable_labels()->insert(ns.labels.begin(), ns.labels.end());
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
}

void Write(const acl::NetworkPolicyPeer& peer, v1::NetworkPolicyPeer* out) {
  if (peer.pod_selector) Write(*peer.pod_selector, out->mutable_pod_selector());
  if (peer.namespace_selector) Write(*peer.namespace_selector, out->mutable_namespace_selector());
  if (peer.ip_block) {
    out->mutable_ip_block()->set_cidr(peer.ip_block->cidr);
    out->mutable_ip_block()->mutable_except()->Assign(peer.ip_block->except.begin(),
                                                      peer.ip_block->except.end());
  }
}

void Write(const acl::NetworkPolicyPort& port, v1::NetworkPolicyPort* out) {
  out->set_protocol(port.protocol);
  if (const auto* number = std::get_if<int64_t>(&port.port)) out->set_number(*number);
  if (const auto* name = std::get_if<std::string>(&port.port)) out->set_name(*name);
  if (port.end_port) out->set_end_port(*port.end_port);
}

void Write(const acl::NetworkPolicyRule& rule, v1::NetworkPolicyRule* out) {
  for (const acl::NetworkPolicyPeer& peer : rule.peers) Write(peer, out->add_peers());
  for (const acl::NetworkPolicyPort& port : rule.ports) Write(port, out->add_ports());
}

void Write(const acl::NetworkPolicy& policy, v1::NetworkPolicy* out) {
  out->set_namespace_(policy.namespace_name);
  out->set_name(policy.name);
  Write(policy.pod_selector, out->mutable_pod_selector());
  out->mutable_policy_types()->Assign(policy.policy_types.begin(), policy.policy_types.end());
  for (const acl::NetworkPolicyRule& rule : policy.ingress) Write(rule, out->add_ingress());
  for (const acl::NetworkPolicyRule& rule : policy.egress) Write(rule, out->add_egress());
}

// Readers: the same messages the other way.

acl::LabelSelector Read(const v1::LabelSelector& proto) {
  acl::LabelSelector selector;
  selector.match_labels = {proto.match_labels().begin(), proto.match_labels().end()};
  for (const v1::LabelSelectorRequirement& requirement : proto.match_expressions()) {
    selector.match_expressions.push_back(
        {requirement.key(),
         requirement.operator_(),
         {requirement.values().begin(), requirement.values().end()}});
  }
  return selector;
}

acl::NetworkPolicyPeer Read(const v1::NetworkPolicyPeer& proto) {
  acl::NetworkPolicyPeer peer;
  if (proto.has_pod_selector()) peer.pod_selector = Read(proto.pod_selector());
  if (proto.has_namespace_selector()) peer.namespace_selector = Read(proto.namespace_selector());
  if (proto.has_ip_block()) {
    const v1::IpBlock& block = proto.ip_block();
    peer.ip_block = acl::IpBlock{block.cidr(), {block.except().begin(), block.except().end()}};
  }
  return peer;
}

acl::NetworkPolicyPort Read(const v1::NetworkPolicyPort& proto) {
  acl::NetworkPolicyPort port;
  port.protocol = proto.protocol();
  if (proto.port_case() == v1::NetworkPolicyPort::kNumber) port.port = int64_t{proto.number()};
  if (proto.port_case() == v1::NetworkPolicyPort::kName) port.port = proto.name();
  if (proto.has_end_port()) port.end_port = proto.end_port();
  return port;
}

acl::NetworkPolicyRule Read(const v1::NetworkPolicyRule& proto) {
  acl::NetworkPolicyRule rule;
  for (const v1::NetworkPolicyPeer& peer : proto.peers()) rule.peers.push_back(Read(peer));
  for (const v1::NetworkPolicyPort& port : proto.ports()) rule.ports.push_back(Read(port));
  return rule;
}

acl::NetworkPolicy Read(const v1::NetworkPolicy& proto) {
  acl::NetworkPolicy policy;
  policy.namespace_name = proto.namespace_();
  policy.name = proto.name();
  policy.pod_selector = Read(proto.pod_selector());
  policy.policy_types = {proto.policy_types().begin(), proto.policy_types().end()};
  for (const v1::NetworkPolicyRule& rule : proto.ingress()) policy.ingress.push_back(Read(rule));
  for (const v1::NetworkPolicyRule& rule : proto.egress()) policy.egress.push_back(Read(rule));
  return policy;
}

absl::Status EndpointError(const v1::Endpoint& proto, const std::string& field,
                           std::string_view reason) {
  return absl::InvalidArgumentError(
      fmt::format("Pod {}/{}: {}: {}", proto.namespace_(), proto.name(), field, reason));
}

template <typename Texts>
absl::Status ReadAddresses(const v1::Endpoint& proto, const char* field, const Texts& texts,
                           std::vector<acl::IpAddress>* out) {
  for (int i = 0; i < texts.size(); ++i) {
    absl::StatusOr<acl::IpAddress> address = acl::IpAddress::Parse(texts[i]);
    if (!address.ok()) {
      return EndpointError(proto, fmt::format("{}[{}]", field, i),
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
      return EndpointError(proto, fmt::format("named_ports[{}].port", i),
                           fmt::format("{} is above 65535", port.port()));
    }
    out->push_back({port.name(), port.protocol(), static_cast<uint16_t>(port.port())});
  }
  return absl::OkStatus();
}

absl::StatusOr<Object> Read(const v1::Endpoint& proto) {
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
  if (status.ok()) status = ReadNamedPorts(proto, &endpoint.named_ports);
  if (!status.ok()) return status;
  return endpoint;
}

}  // namespace

void ToProto(const Object& object, v1::Object* out) {
  if (const auto* ns = std::get_if<acl::Namespace>(&object)) {
    Write(*ns, out->mutable_namespace_());
  } else if (const auto* endpoint = std::get_if<acl::Endpoint>(&object)) {
    Write(*endpoint, out->mutable_endpoint());
  } else if (const auto* policy = std::get_if<acl::NetworkPolicy>(&object)) {
    Write(*policy, out->mutable_network_policy());
  }
}

absl::StatusOr<Object> UncheckedFromProto(const v1::Object& proto) {
  switch (proto.kind_case()) {
    case v1::Object::kNamespace: {
      const v1::Namespace& ns = proto.namespace_();
      return acl::Namespace{ns.name(), {ns.labels().begin(), ns.labels().end()}};
    }
    case v1::Object::kEndpoint:
      return Read(proto.endpoint());
    case v1::Object::kNetworkPolicy:
      return Read(proto.network_policy());
    case v1::Object::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("Object: kind: is not set, or newer than this program");
}

absl::StatusOr<Object> FromProto(const v1::Object& proto) {
  absl::StatusOr<Object> object = UncheckedFromProto(proto);
  if (!object.ok()) return object;
  absl::Status valid = std::visit([](const auto& value) { return acl::Validate(value); }, *object);
  if (!valid.ok()) return valid;
  return object;
}

v1::ObjectKey KeyOf(const Object& object) {
  v1::ObjectKey key;
  if (const auto* ns = std::get_if<acl::Namespace>(&object)) {
    key.set_kind("Namespace");
    key.set_name(ns->name);
  } else if (const auto* endpoint = std::get_if<acl::Endpoint>(&object)) {
    key.set_kind("Endpoint");
    key.set_namespace_(endpoint->namespace_name);
    key.set_name(endpoint->name);
  } else if (const auto* policy = std::get_if<acl::NetworkPolicy>(&object)) {
    key.set_kind("NetworkPolicy");
    key.set_namespace_(policy->namespace_name);
    key.set_name(policy->name);
  }
  return key;
}

}  // namespace sluice::control
