// Short ways to write the objects of these tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "acl/objects.h"
#include "acl/sluice_policy.h"
#include "control/network_spec.h"
#include "control/object_key.h"
#include "dataplane/port_spec.h"

namespace sluice::control {

inline acl::IpAddress Ip(const std::string& text) { return *acl::IpAddress::Parse(text); }

inline acl::Endpoint Pod(const std::string& name, const std::string& address,
                         acl::Labels labels = {}, const std::string& uid = "") {
  acl::Endpoint pod;
  pod.namespace_name = "default";
  pod.name = name;
  pod.uid = uid;
  pod.labels = std::move(labels);
  if (!address.empty()) pod.addresses = {Ip(address)};
  return pod;
}

// Isolates the pods with `labels` for ingress and admits nobody.
inline acl::NetworkPolicy DenyAll(const std::string& name, acl::Labels labels = {}) {
  acl::NetworkPolicy policy;
  policy.namespace_name = "default";
  policy.name = name;
  policy.pod_selector.match_labels = std::move(labels);
  policy.policy_types = {"Ingress"};
  return policy;
}

// As DenyAll, but admits TCP `port` from pods with `from`.
inline acl::NetworkPolicy Allow(const std::string& name, acl::Labels from, int64_t port) {
  acl::NetworkPolicy policy = DenyAll(name);
  acl::NetworkPolicyPeer peer;
  peer.pod_selector = acl::LabelSelector{std::move(from), {}};
  policy.ingress = {{{peer}, {{"TCP", port, std::nullopt}}}};
  return policy;
}

// As DenyAll, for ingress and egress, but allows what asks for `server_name`.
inline acl::SluicePolicy AllowName(const std::string& name, const std::string& server_name,
                                   std::vector<std::string> networks = {}) {
  acl::SluicePolicy policy;
  policy.namespace_name = "default";
  policy.name = name;
  policy.networks = std::move(networks);
  policy.egress.emplace_back().content.tls = acl::TlsMatch{{server_name}};
  return policy;
}

// endPort below port: refused, with a valid selector.
inline acl::NetworkPolicy BadPolicy(const std::string& name, acl::Labels labels = {}) {
  acl::NetworkPolicy policy = DenyAll(name, std::move(labels));
  policy.ingress = {{{}, {{"TCP", int64_t{90}, int64_t{80}}}}};
  return policy;
}

template <typename... Objects>
std::vector<Candidate> Candidates(Objects... objects) {
  return {Candidate::Of(Object(std::move(objects)))...};
}

inline ObjectKey PolicyKey(const std::string& name) { return {"NetworkPolicy", {"default", name}}; }
inline ObjectKey PodKey(const std::string& name) { return {"Endpoint", {"default", name}}; }

// The port of pod default/`pod`, a ring.
inline dataplane::PortSpec RingPort(const std::string& name, const std::string& pod,
                                    const std::string& mac, const std::string& address,
                                    const std::string& uid = "") {
  dataplane::PortSpec spec;
  spec.name = name;
  spec.kind = dataplane::PortKind::kRing;
  spec.pod_namespace = "default";
  spec.pod_name = pod;
  spec.pod_uid = uid;
  spec.mac = *dataplane::MacAddress::Parse(mac);
  if (!address.empty()) spec.addresses = {Ip(address)};
  return spec;
}

// The host port of `network`, a ring.
inline dataplane::PortSpec HostPort(const std::string& name, const std::string& mac,
                                    const std::string& address,
                                    const std::string& network = "default") {
  dataplane::PortSpec spec;
  spec.name = name;
  spec.kind = dataplane::PortKind::kRing;
  spec.role = dataplane::PortRole::kHost;
  spec.network = network;
  spec.mac = *dataplane::MacAddress::Parse(mac);
  spec.addresses = {Ip(address)};
  return spec;
}

inline dataplane::AllowedAddress Allowed(const std::string& text) {
  return *dataplane::AllowedAddress::Parse(text);
}

inline NetworkSpec Network(const std::string& name, const std::string& uplink = "",
                           uint16_t vlan = 0) {
  NetworkSpec spec;
  spec.name = name;
  spec.uplink = uplink;
  spec.vlan = vlan;
  return spec;
}

inline dataplane::PortSpec UplinkPort(const std::string& name) {
  dataplane::PortSpec spec;
  spec.name = name;
  spec.kind = dataplane::PortKind::kRing;
  spec.role = dataplane::PortRole::kUplink;
  return spec;
}

}  // namespace sluice::control
