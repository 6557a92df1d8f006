#include "control/ctl/offline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>
#include <variant>

#include "control/object_key.h"
#include "control/policy_warnings.h"

namespace sluice::ctl {
namespace {

constexpr char kPrimary[] = "default";

// The objects of one kind, the last one of each name, in order of the names.
template <typename T>
std::vector<T> LastOfEach(const std::vector<control::Object>& objects) {
  std::map<control::ObjectKey, const T*> by_name;
  for (const control::Object& object : objects) {
    if (const T* value = std::get_if<T>(&object)) by_name[control::ObjectKey::Of(object)] = value;
  }
  std::vector<T> result;
  result.reserve(by_name.size());
  for (const auto& [name, value] : by_name) result.push_back(*value);
  return result;
}

void AddOnce(const std::vector<acl::IpAddress>& from, std::vector<acl::IpAddress>* to) {
  for (const acl::IpAddress& address : from) {
    if (std::ranges::count(*to, address) == 0) to->push_back(address);
  }
}

// A node's addresses are what it and all its pods say together: a pod's own hostIPs may lack a
// family.
void ShareNodeAddresses(const std::vector<acl::Node>& nodes,
                        std::vector<acl::Endpoint>* endpoints) {
  std::map<std::string, std::vector<acl::IpAddress>> by_name;
  for (const acl::Endpoint& endpoint : *endpoints) {
    if (!endpoint.node.empty()) AddOnce(endpoint.node_addresses, &by_name[endpoint.node]);
  }
  for (const acl::Node& node : nodes) AddOnce(node.addresses, &by_name[node.name]);
  for (acl::Endpoint& endpoint : *endpoints) {
    if (!endpoint.node.empty()) endpoint.node_addresses = by_name[endpoint.node];
  }
}

acl::PolicyInput ToInput(const std::vector<control::Object>& objects) {
  acl::PolicyInput input;
  input.namespaces = LastOfEach<acl::Namespace>(objects);
  input.nodes = LastOfEach<acl::Node>(objects);
  std::vector<acl::Endpoint> endpoints = LastOfEach<acl::Endpoint>(objects);
  ShareNodeAddresses(input.nodes, &endpoints);
  input.endpoints = std::move(endpoints);
  input.policies = LastOfEach<acl::NetworkPolicy>(objects);
  input.multi_policies = LastOfEach<acl::MultiNetworkPolicy>(objects);
  input.sluice_policies = LastOfEach<acl::SluicePolicy>(objects);
  input.cluster_policies = LastOfEach<acl::ClusterPolicy>(objects);
  input.all_local = true;
  return input;
}

// What `endpoint` has on `network`; a host-network pod is on none but its node's.
void MoveTo(const std::string& network, acl::Endpoint* endpoint) {
  endpoint->addresses.clear();
  for (const acl::Attachment& attachment : endpoint->attachments) {
    if (attachment.network == network) endpoint->addresses = attachment.addresses;
  }
  if (endpoint->host_network) endpoint->node_addresses.clear();
}

// DESIGN 5.8: the primary network takes NetworkPolicies and cluster-wide policies, every other the
// MultiNetworkPolicies that name it. SluicePolicies are as the former if they name no network, and
// as the latter if they do.
acl::PolicyInput OnNetwork(acl::PolicyInput input, const std::string& network) {
  std::erase_if(input.sluice_policies, [&](const acl::SluicePolicy& policy) {
    if (network == kPrimary) return !policy.networks.empty();
    return std::ranges::count(policy.networks, network) == 0;
  });
  if (network == kPrimary) {
    input.multi_policies.clear();
  } else {
    input.policies.clear();
    input.cluster_policies.clear();
    for (acl::Namespace& ns : input.namespaces) ns.ingress_default_deny = false;
    std::erase_if(input.multi_policies, [&](const acl::MultiNetworkPolicy& multi) {
      return std::ranges::count(multi.networks, network) == 0;
    });
    for (size_t i = 0; i < input.endpoints.size(); ++i) MoveTo(network, &input.endpoints[i]);
  }
  for (size_t i = 0; i < input.endpoints.size(); ++i) input.endpoints[i].attachments.clear();
  return input;
}

std::set<std::string> OtherNetworks(const acl::PolicyInput& all) {
  std::set<std::string> names;
  for (const acl::Endpoint& endpoint : all.endpoints) {
    for (const acl::Attachment& attachment : endpoint.attachments) names.insert(attachment.network);
  }
  for (const acl::MultiNetworkPolicy& multi : all.multi_policies) {
    names.insert(multi.networks.begin(), multi.networks.end());
  }
  for (const acl::SluicePolicy& policy : all.sluice_policies) {
    names.insert(policy.networks.begin(), policy.networks.end());
  }
  return names;
}

// Process ids alone would meet: containers number theirs anew and share /run.
dataplane::EalConfig OwnEal() {
  dataplane::EalConfig config;
  config.file_prefix = fmt::format("sluicectl-{}-{:08x}", getpid(), std::random_device()());
  config.huge_pages = dataplane::HugePages::kOff;
  config.main_core = sched_getcpu();  // many at once shall not all sit on one CPU
  return config;
}

}  // namespace

std::set<std::string> NetworksOf(const std::vector<control::Object>& objects) {
  std::set<std::string> networks = OtherNetworks(ToInput(objects));
  networks.insert(kPrimary);
  return networks;
}

acl::PolicyInput InputOf(const std::vector<control::Object>& objects,
                         acl::LegacyPolicy legacy_policy, const std::string& network) {
  acl::PolicyInput input = OnNetwork(ToInput(objects), network);
  input.legacy_policy = legacy_policy;
  return input;
}

OfflineCluster::OfflineCluster(acl::PolicyInput input)
    : input_(std::move(input)), index_(input_.endpoints) {}

absl::Status OfflineCluster::Build() {
  auto build = control::BuildPolicy(input_, nullptr, {});
  if (!build.ok()) return build.status();
  build_ = *std::move(build);
  return absl::OkStatus();
}

control::Verdict OfflineCluster::Judge(control::Flow flow, Why why) const {
  const control::LayerBuild& layer = build_.base;  // there is no other in a build made whole
  control::SetSubjects(layer.population, &flow);
  const acl::RuleTable& rules = *layer.in_force.rules;
  control::Verdict verdict =
      control::Judge(flow, *layer.addresses, rules, *layer.in_force.classifier);
  if (why == Why::kToldToo) control::AddNearest(flow, *layer.addresses, rules, &verdict);
  return verdict;
}

OfflineNetworks::OfflineNetworks(const std::vector<control::Object>& objects,
                                 acl::LegacyPolicy legacy_policy)
    : all_(ToInput(objects)), others_(OtherNetworks(all_)) {
  all_.legacy_policy = legacy_policy;
}

absl::StatusOr<OfflineCluster*> OfflineNetworks::Find(const std::string& network) {
  const absl::StatusOr<std::string> name = FullName(network);
  if (!name.ok()) return name.status();
  return &At(*name);
}

absl::Status OfflineNetworks::Build() {
  auto eal = dataplane::Eal::Start(OwnEal());
  if (!eal.ok()) return eal.status();
  eal_ = *std::move(eal);
  for (const auto& [name, cluster] : clusters_) {
    if (absl::Status status = cluster->Build(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::vector<std::string> OfflineNetworks::Warnings() {
  return control::WarningsOfTogether(At(kPrimary).input());
}

absl::StatusOr<std::string> OfflineNetworks::FullName(const std::string& network) const {
  if (network.empty() || network == kPrimary) return kPrimary;
  const bool bare = network.find('/') == std::string::npos;
  const std::string name = bare ? "default/" + network : network;
  if (others_.contains(name)) return name;
  std::vector<std::string> same;  // in other namespaces
  for (const std::string& other : others_) {
    if (bare && other.ends_with("/" + network)) same.push_back(other);
  }
  if (same.size() == 1) return same[0];
  if (same.size() > 1) {
    return absl::InvalidArgumentError(
        fmt::format("network: {} could be {}", network, fmt::join(same, " or ")));
  }
  std::vector<std::string> known(others_.begin(), others_.end());
  known.insert(known.begin(), kPrimary);
  return absl::InvalidArgumentError(
      fmt::format("network: there is no network {}, only {}", network, fmt::join(known, ", ")));
}

OfflineCluster& OfflineNetworks::At(const std::string& network) {
  std::unique_ptr<OfflineCluster>& cluster = clusters_[network];
  if (cluster == nullptr) cluster = std::make_unique<OfflineCluster>(OnNetwork(all_, network));
  return *cluster;
}

}  // namespace sluice::ctl
