#include "tests/differential/random_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace sluice::acl {
namespace {

constexpr uint64_t kSeeds = 200;
constexpr const char* kNamespaces[] = {"a", "a-b", "b", "c"};
constexpr const char* kKeys[] = {"app", "tier", "x.example/y"};
constexpr const char* kValues[] = {"1", "2", "3", ""};
constexpr const char* kPortNames[] = {"http", "dns", "metrics"};
constexpr const char* kProtocols[] = {"", "TCP", "UDP", "SCTP"};
constexpr const char* kBlocks[] = {"0.0.0.0/0",      "::/0",         "10.0.0.0/8",
                                   "10.0.1.0/24",    "10.0.1.2/32",  "10.0.1.4/30",
                                   "203.0.113.0/24", "203.0.0.0/16", "203.0.0.0/24",
                                   "198.51.0.0/16",  "fd00::/8",     "fd00:0:0:1::/64",
                                   "2001:db8::/32"};
constexpr const char* kAddresses[] = {"203.0.113.1", "203.0.1.1",   "203.0.0.7",  "198.51.100.1",
                                      "192.0.2.1",   "10.0.1.2",    "10.0.1.5",   "10.0.1.200",
                                      "10.0.2.200",  "10.9.0.1",    "fd00::5",    "fd00:0:0:1::5",
                                      "2001:db8::1", "2001:db9::1", "192.168.0.1"};
constexpr uint16_t kPorts[] = {1, 53, 80, 81, 1000, 2000, 8080, 65534, 65535};

}  // namespace

std::vector<uint64_t> Seeds() {
  std::vector<uint64_t> seeds;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) seeds.push_back(seed);
  if (const char* more = std::getenv("SLUICE_SEED")) {
    seeds.push_back(std::strtoull(more, nullptr, 10));
  }
  return seeds;
}

IpAddress RandomCluster::AnyAddress() { return *IpAddress::Parse(Pick(kAddresses)); }

uint16_t RandomCluster::AnyPort() {
  return static_cast<uint16_t>(Pick(kPorts) + static_cast<int>(Below(3)) - 1);
}

Labels RandomCluster::AnyLabels() {
  Labels labels;
  for (const char* key : kKeys) {
    if (Chance(60)) labels[key] = Pick(kValues);
  }
  return labels;
}

LabelSelector RandomCluster::AnySelector() {
  LabelSelector selector;
  if (Chance(40)) return selector;
  if (Chance(60)) selector.match_labels[Pick(kKeys)] = Pick(kValues);
  if (Chance(50)) {
    constexpr const char* kOperators[] = {"In", "NotIn", "Exists", "DoesNotExist"};
    Requirement requirement{Pick(kKeys), Pick(kOperators), {}};
    if (requirement.op.ends_with("In")) {
      for (size_t i = 0; i <= Below(3); ++i) requirement.values.push_back(Pick(kValues));
    }
    selector.match_expressions.push_back(requirement);
  }
  return selector;
}

Endpoint RandomCluster::AnyEndpoint(unsigned number) {
  Endpoint endpoint{.namespace_name = Pick(kNamespaces), .name = fmt::format("pod-{}", number)};
  endpoint.labels = AnyLabels();
  endpoint.labels["pod-template-hash"] = std::to_string(number);
  const unsigned subnet = number % 2 + 1;
  if (Chance(90)) {
    endpoint.addresses.push_back(*IpAddress::Parse(fmt::format("10.0.{}.{}", subnet, number)));
  }
  if (Chance(70)) {
    endpoint.addresses.push_back(*IpAddress::Parse(fmt::format("fd00:0:0:{}::{}", subnet, number)));
  }
  if (Chance(10)) {
    endpoint.host_network = true;
    endpoint.addresses = {*IpAddress::Parse(fmt::format("192.168.0.{}", number))};
  }
  for (const char* name : kPortNames) {
    if (Chance(60)) endpoint.named_ports.push_back({name, Pick(kProtocols), Pick(kPorts)});
  }
  if (Chance(20)) endpoint.named_ports.push_back({"http", "TCP", Pick(kPorts)});
  return endpoint;
}

NetworkPolicyPeer RandomCluster::AnyPeer() {
  NetworkPolicyPeer peer;
  if (Chance(35)) {
    const Cidr block = *Cidr::Parse(Pick(kBlocks));
    peer.ip_block = IpBlock{block.ToString(), {}};
    for (const char* text : kBlocks) {
      const Cidr except = *Cidr::Parse(text);
      const bool inside = block.Contains(except) && except != block;
      if (inside && Chance(25)) peer.ip_block->except.push_back(text);
    }
    return peer;
  }
  const size_t form = Below(3);
  if (form != 0) peer.pod_selector = AnySelector();
  if (form != 1) peer.namespace_selector = AnySelector();
  return peer;
}

NetworkPolicyPort RandomCluster::AnyPolicyPort() {
  NetworkPolicyPort port{.protocol = Pick(kProtocols)};
  const size_t form = Below(4);
  if (form == 1) port.port = std::string(Pick(kPortNames));
  if (form >= 2) {
    const int64_t first = Pick(kPorts);
    port.port = first;
    if (form == 3) port.end_port = std::max<int64_t>(first, Pick(kPorts));
  }
  return port;
}

NetworkPolicyRule RandomCluster::AnyRule() {
  NetworkPolicyRule rule;
  for (size_t i = Below(3); i > 0; --i) rule.peers.push_back(AnyPeer());
  for (size_t i = Below(3); i > 0; --i) rule.ports.push_back(AnyPolicyPort());
  return rule;
}

NetworkPolicy RandomCluster::AnyPolicy(unsigned number) {
  NetworkPolicy policy{.namespace_name = Pick(kNamespaces),
                       .name = fmt::format("p{}", number),
                       .pod_selector = AnySelector()};
  if (Chance(40)) policy.policy_types.push_back("Ingress");
  if (Chance(40)) policy.policy_types.push_back("Egress");
  for (size_t i = Below(3); i > 0; --i) policy.ingress.push_back(AnyRule());
  for (size_t i = Below(3); i > 0; --i) policy.egress.push_back(AnyRule());
  return policy;
}

PolicyInput RandomCluster::Make() {
  PolicyInput input;
  for (const char* name : kNamespaces) {
    if (Chance(80)) input.namespaces.push_back({name, AnyLabels()});
  }
  for (size_t i = 6 + Below(14); i > 0; --i) {
    input.endpoints.push_back(AnyEndpoint(static_cast<unsigned>(i)));
  }
  for (size_t i = Below(16); i > 0; --i) {
    input.policies.push_back(AnyPolicy(static_cast<unsigned>(i)));
  }
  if (Chance(50)) {
    input.cluster_cidrs = {*Cidr::Parse("10.0.0.0/16"), *Cidr::Parse("fd00::/16")};
  }
  input.all_local = Chance(70);
  for (const Endpoint& endpoint : input.endpoints) {
    if (Chance(50)) input.local.insert({endpoint.namespace_name, endpoint.name});
  }
  return input;
}

}  // namespace sluice::acl
