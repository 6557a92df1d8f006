#include "perf/policy/cluster.h"

#include <fmt/format.h>

namespace sluice::perf {
namespace {

constexpr unsigned kApps = 10;
constexpr unsigned kTeams = 20;
constexpr unsigned kBlocks = 256;

std::string NamespaceName(unsigned number) { return fmt::format("ns-{}", number); }

acl::LabelSelector With(const char* key, const char* prefix, unsigned number) {
  return {.match_labels = {{key, fmt::format("{}-{}", prefix, number)}}};
}

}  // namespace

Cluster::Cluster(const ClusterSize& size, uint64_t seed) : size_(size), random_(seed) {}

acl::Namespace Cluster::NamespaceOf(unsigned number) const {
  return {.name = NamespaceName(number),
          .labels = {{"team", fmt::format("team-{}", number % kTeams)}}};
}

acl::Endpoint Cluster::Pod(unsigned number) const {
  acl::Endpoint pod{.namespace_name = NamespaceName(number % size_.namespaces),
                    .name = fmt::format("pod-{}", number)};
  pod.uid = fmt::format("uid-{}", number);
  pod.labels = {{"app", fmt::format("app-{}", number / size_.namespaces % kApps)},
                {"pod-template-hash", fmt::format("{:x}", number * 2654435761u)},
                {"apps.kubernetes.io/pod-index", std::to_string(number)}};
  pod.addresses = {*acl::IpAddress::Parse(
      fmt::format("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255))};
  pod.node = fmt::format("node-{}", IsLocal(number) ? 0 : 1 + number % 100);
  return pod;
}

acl::NetworkPolicyPeer Cluster::DrawPeer() {
  switch (Below(4)) {
    case 0:
      return {.pod_selector = With("app", "app", Below(kApps))};
    case 1:
      return {.namespace_selector = With("team", "team", Below(kTeams))};
    case 2:
      return {.pod_selector = With("app", "app", Below(kApps)),
              .namespace_selector = With("team", "team", Below(kTeams))};
    default:
      return {.ip_block = acl::IpBlock{fmt::format("203.0.{}.0/24", Below(kBlocks)), {}}};
  }
}

acl::NetworkPolicyPort Cluster::DrawPort() {
  acl::NetworkPolicyPort port{.protocol = Below(4) == 0 ? "UDP" : "TCP"};
  const int64_t first = 1024 + Below(512);
  port.port = first;
  if (Below(5) == 0) port.end_port = first + Below(100);
  return port;
}

acl::NetworkPolicy Cluster::DrawPolicy(unsigned number) {
  acl::NetworkPolicy policy{.namespace_name = NamespaceName(number % size_.namespaces),
                            .name = fmt::format("policy-{}", number),
                            .pod_selector = With("app", "app", Below(kApps)),
                            .policy_types = {"Ingress", "Egress"}};
  for (unsigned i = 0; i < size_.rules_a_policy; ++i) {
    acl::NetworkPolicyRule rule{.peers = {DrawPeer(), DrawPeer()},
                                .ports = {DrawPort(), DrawPort()}};
    (Below(2) == 0 ? policy.ingress : policy.egress).push_back(std::move(rule));
  }
  return policy;
}

acl::PolicyInput Cluster::Input() {
  acl::PolicyInput input;
  input.cluster_cidrs = {*acl::Cidr::Parse("10.0.0.0/8")};
  for (unsigned i = 0; i < size_.namespaces; ++i) input.namespaces.push_back(NamespaceOf(i));
  for (unsigned i = 0; i < size_.pods; ++i) {
    input.endpoints.push_back(Pod(i));
    const acl::Endpoint& pod = input.endpoints.back();
    if (IsLocal(i)) input.local.insert({pod.namespace_name, pod.name});
  }
  for (unsigned i = 0; i < size_.policies; ++i) input.policies.push_back(DrawPolicy(i));
  return input;
}

}  // namespace sluice::perf
