#include "tests/soak/world.h"

#include <fmt/format.h>

#include "acl/evaluator.h"

namespace sluice::soak {
namespace {

IpAddress Ip(const std::string& text) { return *IpAddress::Parse(text); }

// fe80:: with the EUI-64 of the MAC.
IpAddress LinkLocal(const MacAddress& mac) {
  const auto& m = mac.bytes;
  return Ip(fmt::format("fe80::{:02x}{:02x}:{:02x}ff:fe{:02x}:{:02x}{:02x}", m[0] ^ 2, m[1], m[2],
                        m[3], m[4], m[5]));
}

std::string ToText(const acl::LabelSelector& selector) {
  std::string text = "{";
  for (const auto& [key, value] : selector.match_labels) text += key + "=" + value + " ";
  for (const auto& r : selector.match_expressions) {
    text += fmt::format("{} {} {} ", r.key, r.op, fmt::join(r.values, "|"));
  }
  return text + "}";
}

std::string ToText(const acl::NetworkPolicyRule& rule) {
  std::string text = "[peers:";
  for (const auto& peer : rule.peers) {
    if (peer.pod_selector) text += " pods" + ToText(*peer.pod_selector);
    if (peer.namespace_selector) text += " namespaces" + ToText(*peer.namespace_selector);
    if (peer.ip_block) {
      text +=
          fmt::format(" {} except {}", peer.ip_block->cidr, fmt::join(peer.ip_block->except, ","));
    }
    text += ";";
  }
  text += " ports:";
  for (const auto& port : rule.ports) {
    const auto* number = std::get_if<int64_t>(&port.port);
    const auto* name = std::get_if<std::string>(&port.port);
    text += fmt::format(" {}/{}", port.protocol,
                        number ? std::to_string(*number) : (name ? *name : "any"));
    if (port.end_port) text += fmt::format("-{}", *port.end_port);
  }
  return text + "]";
}

}  // namespace

bool Pod::Owns(const IpAddress& address) const {
  return address == v4 || address == v6 || address == LinkLocal(mac);
}

World::World() {
  cluster_cidrs = {*acl::Cidr::Parse("10.0.0.0/8"), *acl::Cidr::Parse("fd00::/8")};
  outside_mac = {{2, 0, 0, 0, 0xff, 1}};
  for (unsigned i = 0; i < kPods; ++i) {
    Pod pod;
    pod.mac = {{2, 0, 0, 0, 5, static_cast<uint8_t>(i + 1)}};
    pod.v4 = Ip(fmt::format("10.5.0.{}", i + 1));
    pod.v6 = Ip(fmt::format("fd00:5::{}", i + 1));
    pod.endpoint.namespace_name = i < kPods - 1 ? "default" : "other";
    pod.endpoint.name = fmt::format("pod-{}", i);
    pod.endpoint.addresses = {pod.v4, pod.v6};
    pod.endpoint.named_ports = {{"http", "TCP", 80}, {"dns", "UDP", 53}};
    pods.push_back(pod);
  }
  for (unsigned i = 0; i < 2; ++i) {
    acl::Endpoint endpoint;
    endpoint.namespace_name = "default";
    endpoint.name = fmt::format("remote-{}", i);
    endpoint.addresses = {Ip(fmt::format("10.9.0.{}", i + 1)),
                          Ip(fmt::format("fd00:9::{}", i + 1))};
    endpoint.labels = {{"app", i == 0 ? "1" : "2"}};
    remote.push_back(endpoint);
  }
  namespaces = {{"default", {{"team", "a"}}}, {"other", {{"team", "b"}}}};
}

bool World::IsOpen(Place place) const {
  return place == kUplink || (pods[place].has_port && pods[place].listed);
}

Place World::Receiver(Place from, const MacAddress& mac) const {
  Place to = kUplink;
  for (Place place = 0; place < kPods; ++place) {
    if (pods[place].has_port && pods[place].mac == mac) to = place;
  }
  return to == from ? kPlaces : to;
}

bool World::IsLocal(const IpAddress& address) const {
  for (const Pod& pod : pods) {
    if (pod.has_port && (address == pod.v4 || address == pod.v6)) return true;
  }
  return false;
}

std::vector<acl::Endpoint> World::Endpoints() const {
  std::vector<acl::Endpoint> endpoints = remote;
  for (const Pod& pod : pods) {
    if (pod.listed) endpoints.push_back(pod.endpoint);
  }
  return endpoints;
}

IpAddress World::PeerAddress(Place place, const IpAddress& address) const {
  return address.IsLinkLocal() && place != kUplink ? pods[place].Address(address.family) : address;
}

bool World::Allows(Place from, Place to, const Tuple& first) const {
  acl::PolicyInput input{.namespaces = namespaces, .endpoints = Endpoints()};
  for (const auto& [name, policy] : policies) input.policies.push_back(policy);
  input.cluster_cidrs = cluster_cidrs;
  input.all_local = true;
  // The switch knows a pod by its port: it exempts no address as the pod's own.
  const auto subject = [this](Place place) {
    acl::Endpoint pod = pods[place].endpoint;
    pod.addresses.clear();
    return pod;
  };
  acl::RawFlow flow{.protocol = first.protocol, .port = first.dst_port};
  flow.from.address = PeerAddress(from, first.src);
  flow.to.address = PeerAddress(to, first.dst);
  std::optional<acl::Endpoint> source, destination;
  if (from != kUplink) flow.from.pod = &source.emplace(subject(from));
  if (to != kUplink) flow.to.pod = &destination.emplace(subject(to));
  return acl::Evaluator(input).Evaluate(flow).allow;
}

std::string World::ToString() const {
  std::string text;
  for (Place place = 0; place < kPods; ++place) {
    const Pod& pod = pods[place];
    text += fmt::format("  {}: {}/{} {} {} {}{}{}{}:", place, pod.endpoint.namespace_name,
                        pod.endpoint.name, pod.mac.ToString(), pod.v4.ToString(), pod.v6.ToString(),
                        pod.listed ? "" : " unlisted",
                        pod.has_port ? fmt::format(" port {}", pod.port_name) : " no port",
                        pod.guard ? "" : " unguarded");
    for (const auto& [key, value] : pod.endpoint.labels) text += fmt::format(" {}={}", key, value);
    text += "\n";
  }
  for (const auto& [name, policy] : policies) {
    text += fmt::format("  policy {} on {} types {}", name, ToText(policy.pod_selector),
                        fmt::join(policy.policy_types, ","));
    for (const auto& rule : policy.ingress) text += "\n    ingress " + ToText(rule);
    for (const auto& rule : policy.egress) text += "\n    egress " + ToText(rule);
    text += "\n";
  }
  return text;
}

}  // namespace sluice::soak
