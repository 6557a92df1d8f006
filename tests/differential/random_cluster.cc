#include "tests/differential/random_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <span>

#include "tests/differential/random_policy.h"

namespace sluice::acl {
namespace {

constexpr const char* kAddresses[] = {
    "203.0.113.1", "203.0.1.1",   "203.0.0.7",   "198.51.100.1", "192.0.2.1",   "10.0.1.2",
    "10.0.1.5",    "10.0.1.200",  "10.0.2.200",  "10.9.0.1",     "fd00::5",     "fd00:0:0:1::5",
    "2001:db8::1", "2001:db9::1", "192.168.0.1", "192.168.0.2",  "192.168.0.3", "192.168.0.4",
    "fd01::1",     "fd01::2",     "10.0.9.1",    "10.0.9.2",     "10.0.9.9"};
constexpr uint8_t kProtocolNumbers[] = {6, 6, 17, 132, 1, 58};
using Kind = StreamFacts::Kind;
constexpr StreamFacts kFacts[] = {
    {.kind = Kind::kOther},
    {.kind = Kind::kTls},
    {.kind = Kind::kTls, .server_name = "one.example.org"},
    {.kind = Kind::kTls, .server_name = "a.two.example.org"},
    {.kind = Kind::kTls, .server_name = "example.org"},
    {.kind = Kind::kHttp, .method = "GET", .host = "one.example.org", .path = "/api/v1/pods"},
    {.kind = Kind::kHttp, .method = "POST", .host = "example.org", .path = "/"},
    {.kind = Kind::kHttp, .method = "GET", .host = "other.test", .path = "/api"},
    {.kind = Kind::kHttp, .method = "PUT", .path = "/api/"}};
constexpr StreamFacts kDatagramFacts[] = {{.kind = Kind::kOther},
                                          {.kind = Kind::kDns},
                                          {.kind = Kind::kDns, .question = "one.example.org"},
                                          {.kind = Kind::kDns, .question = "a.two.example.org"},
                                          {.kind = Kind::kDns, .question = "example.org"}};
// A pod with this label is told apart from its twin by kTellTwinsApart alone.
constexpr const char* kTwinLabel = "twin";

IpAddress Ip(const std::string& text) { return *IpAddress::Parse(text); }

// Last in tier Baseline but for its object without priority: changes next to nothing.
ClusterPolicy TellTwinsApart() {
  return {.name = "tell-twins-apart",
          .tier = "Baseline",
          .priority = 1000,
          .ingress = {{.action = "Pass",
                       .peers = {PodsPeer{{}, {.match_labels = {{kTwinLabel, "yes"}}}}}}}};
}

bool IsPodWithAddress(const RawEnd& end) { return end.pod != nullptr; }

}  // namespace

std::vector<uint64_t> Seeds(uint64_t count) {
  std::vector<uint64_t> seeds;
  for (uint64_t seed = 1; seed <= count; ++seed) seeds.push_back(seed);
  if (const char* more = std::getenv("SLUICE_SEED")) {
    seeds.push_back(std::strtoull(more, nullptr, 10));
  }
  return seeds;
}

PolicyInput RandomCluster::Make() {
  PolicyInput input;
  for (const char* name : {"a", "a-b", "b", "c"}) {
    if (!random_.Chance(80)) continue;
    const bool isolated = kinds_ == Kinds::kAll && random_.Chance(25);
    input.namespaces.push_back({name, AnyLabels(random_), isolated});
  }
  AddNodes(input);
  AddEndpoints(input);
  AddNetworkPolicies(input);
  if (kinds_ == Kinds::kAll) AddOtherPolicies(input);
  AddTwins(input);
  if (random_.Chance(50)) {
    input.cluster_cidrs = {*Cidr::Parse("10.0.0.0/16"), *Cidr::Parse("fd00::/16")};
  }
  return input;
}

void RandomCluster::AddNodes(PolicyInput& input) {
  for (unsigned i = 1; i <= 3; ++i) {
    Node node{fmt::format("node-{}", i), AnyLabels(random_), {}};
    node.addresses = {Ip(fmt::format("192.168.0.{}", i)), Ip(fmt::format("fd01::{}", i))};
    // Inside the CIDRs of the cluster.
    if (kinds_ == Kinds::kAll && random_.Chance(40)) {
      node.addresses.push_back(Ip(fmt::format("10.0.9.{}", i)));
    }
    if (random_.Chance(30)) node.addresses.push_back(Ip("192.168.0.4"));  // of several, perhaps
    input.nodes.push_back(node);
  }
}

void RandomCluster::AddEndpoints(PolicyInput& input) {
  for (size_t i = 6 + random_.Below(14); i > 0; --i) {
    input.endpoints.push_back(AnyEndpoint(static_cast<unsigned>(i), input.nodes));
  }
  // Now only their pods know of some nodes.
  std::erase_if(input.nodes, [this](const Node&) { return random_.Chance(25); });
  input.all_local = random_.Chance(60);
  for (const Endpoint& endpoint : input.endpoints) {
    if (random_.Chance(60)) input.local.insert({endpoint.namespace_name, endpoint.name});
  }
}

Endpoint RandomCluster::AnyEndpoint(unsigned number, const std::vector<Node>& nodes) {
  Endpoint endpoint{.namespace_name = AnyNamespaceName(random_),
                    .name = fmt::format("pod-{}", number)};
  endpoint.labels = AnyLabels(random_);
  endpoint.labels["pod-template-hash"] = std::to_string(number);
  const unsigned subnet = number % 2 + 1;
  if (random_.Chance(90)) endpoint.addresses = {Ip(fmt::format("10.0.{}.{}", subnet, number))};
  if (random_.Chance(70)) {
    endpoint.addresses.push_back(Ip(fmt::format("fd00:0:0:{}::{}", subnet, number)));
  }
  if (random_.Chance(90)) {
    const Node& node = random_.Pick(nodes);
    endpoint.node = node.name;
    if (random_.Chance(90)) endpoint.node_addresses = node.addresses;
    endpoint.host_network = random_.Chance(10);
    if (endpoint.host_network) endpoint.addresses = node.addresses;
  }
  for (const char* name : {"http", "dns", "metrics"}) {
    if (random_.Chance(60)) {
      endpoint.named_ports.push_back({name, AnyProtocol(random_), AnyPortEdge(random_)});
    }
  }
  if (random_.Chance(30)) {  // another of the name: of its protocol the first counts
    endpoint.named_ports.push_back(
        {AnyPortName(random_), AnyProtocol(random_), AnyPortEdge(random_)});
  }
  return endpoint;
}

void RandomCluster::AddTwins(PolicyInput& input) {
  const size_t pods = input.endpoints.size();
  bool differ = false;
  for (size_t i = 0; i < pods; ++i) {
    if (!random_.Chance(10)) continue;
    const Endpoint original = input.endpoints[i];
    const std::pair key(original.namespace_name, original.name);
    const bool one_is_local = !input.all_local && input.local.count(key) != 0;
    Endpoint twin = original;
    twin.name += "-twin";
    if (random_.Chance(50) && (one_is_local || kinds_ == Kinds::kAll)) {
      twin.labels[kTwinLabel] = "yes";
      differ = true;
    }
    const bool both = kinds_ == Kinds::kAll && one_is_local && random_.Chance(50);
    if (both) input.local.insert({twin.namespace_name, twin.name});
    input.endpoints.push_back(twin);
  }
  if (differ && kinds_ == Kinds::kAll) input.cluster_policies.push_back(TellTwinsApart());
}

PolicyOptions RandomCluster::AnyOptions() {
  if (kinds_ == Kinds::kNetworkPolicy) return {};
  const bool audit = random_.Chance(12);
  return {.audit = audit, .reject = random_.Chance(30)};
}

void RandomCluster::AddNetworkPolicies(PolicyInput& input) {
  const size_t most = kinds_ == Kinds::kAll ? 9 : 16;
  for (size_t i = random_.Below(most); i > 0; --i) {
    const auto number = static_cast<unsigned>(i);
    const bool legacy = kinds_ == Kinds::kAll && random_.Chance(35);
    NetworkPolicy policy =
        legacy ? AnyLegacyPolicy(random_, number) : AnyNetworkPolicy(random_, number);
    policy.options = AnyOptions();
    policy.options.judges_own_node = random_.Chance(20);
    input.policies.push_back(policy);
  }
}

void RandomCluster::AddOtherPolicies(PolicyInput& input) {
  input.legacy_policy = random_.Chance(25) ? LegacyPolicy::kV1 : LegacyPolicy::kAnnotation;
  if (random_.Chance(40)) {
    for (size_t i = random_.Below(4); i > 0; --i) {
      NetworkPolicy policy = AnyNetworkPolicy(random_, static_cast<unsigned>(i));
      policy.options = AnyOptions();
      input.multi_policies.push_back({policy, {"default/fast"}});
    }
  }
  for (size_t i = random_.Chance(60) ? random_.Below(5) : 0; i > 0; --i) {
    SluicePolicy policy = AnySluicePolicy(random_, static_cast<unsigned>(i));
    policy.options = AnyOptions();
    policy.options.judges_own_node = random_.Chance(20);
    input.sluice_policies.push_back(policy);
  }
  for (size_t i = random_.Below(5); i > 0; --i) {
    AddClusterPolicy(input, ClusterPolicyKind::kClusterNetworkPolicy);
  }
  for (size_t i = random_.Below(3); i > 0; --i) {
    AddClusterPolicy(input, ClusterPolicyKind::kAdminNetworkPolicy);
  }
  if (random_.Chance(30)) AddClusterPolicy(input, ClusterPolicyKind::kBaselineAdminNetworkPolicy);
}

void RandomCluster::AddClusterPolicy(PolicyInput& input, ClusterPolicyKind kind) {
  ClusterPolicy policy = AnyClusterPolicy(random_, kind);
  policy.options = AnyOptions();
  const auto same = [&policy](const ClusterPolicy& other) {
    return other.kind == policy.kind && other.name == policy.name;
  };
  if (std::any_of(input.cluster_policies.begin(), input.cluster_policies.end(), same)) return;
  input.cluster_policies.push_back(policy);
}

std::optional<RawFlow> RandomCluster::AnyFlow(const PolicyInput& input) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const RawEnd from = AnyEnd(input), to = AnyEnd(input);
    if (from.address.family != to.address.family) continue;
    if (!IsPodWithAddress(from) && !IsPodWithAddress(to)) continue;
    const uint8_t protocol = random_.Pick(kProtocolNumbers);
    const bool has_ports = protocol == 6 || protocol == 17 || protocol == 132;
    return RawFlow{.from = from,
                   .to = to,
                   .protocol = protocol,
                   .port = has_ports ? AnyPort() : uint16_t{0},
                   .facts = AnyFacts(protocol)};
  }
  return std::nullopt;
}

RawEnd RandomCluster::AnyEnd(const PolicyInput& input) {
  const Endpoint& pod = random_.Pick(input.endpoints);
  if (pod.addresses.empty() || random_.Chance(20)) return {nullptr, AnyAddress()};
  return {&pod, random_.Pick(pod.addresses)};
}

IpAddress RandomCluster::AnyAddress() { return Ip(random_.Pick(kAddresses)); }

// Null: not known.
const StreamFacts* RandomCluster::AnyFacts(uint8_t protocol) {
  const auto any_of = [this](std::span<const StreamFacts> facts) {
    return random_.Chance(75) ? &facts[random_.Below(facts.size())] : nullptr;
  };
  if (protocol == 6) return any_of(kFacts);
  return protocol == 17 ? any_of(kDatagramFacts) : nullptr;
}

uint16_t RandomCluster::AnyPort() {
  return static_cast<uint16_t>(AnyPortEdge(random_) + random_.Below(3) - 1);
}

}  // namespace sluice::acl
