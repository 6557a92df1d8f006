#include "control/ctl/offline.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <variant>

namespace sluice::ctl {
namespace {

template <typename T>
std::pair<std::string, std::string> NameOf(const T& object) {
  return {object.namespace_name, object.name};
}
std::pair<std::string, std::string> NameOf(const acl::Namespace& ns) { return {"", ns.name}; }

// The objects of one kind, the last one of each name, in order of the names.
template <typename T>
std::vector<T> LastOfEach(const std::vector<control::Object>& objects) {
  std::map<std::pair<std::string, std::string>, const T*> by_name;
  for (const control::Object& object : objects) {
    if (const T* value = std::get_if<T>(&object)) by_name[NameOf(*value)] = value;
  }
  std::vector<T> result;
  result.reserve(by_name.size());
  for (const auto& [name, value] : by_name) result.push_back(*value);
  return result;
}

// A node's addresses are what all its pods say together: a pod's own hostIPs may lack a family.
void ShareNodeAddresses(std::vector<acl::Endpoint>* endpoints) {
  std::map<std::string, std::vector<acl::IpAddress>> nodes;
  for (const acl::Endpoint& endpoint : *endpoints) {
    if (endpoint.node.empty()) continue;
    std::vector<acl::IpAddress>& addresses = nodes[endpoint.node];
    for (const acl::IpAddress& address : endpoint.node_addresses) {
      if (std::ranges::count(addresses, address) == 0) addresses.push_back(address);
    }
  }
  for (acl::Endpoint& endpoint : *endpoints) {
    if (!endpoint.node.empty()) endpoint.node_addresses = nodes[endpoint.node];
  }
}

acl::PolicyInput ToInput(const std::vector<control::Object>& objects) {
  acl::PolicyInput input;
  input.namespaces = LastOfEach<acl::Namespace>(objects);
  input.endpoints = LastOfEach<acl::Endpoint>(objects);
  ShareNodeAddresses(&input.endpoints);
  input.policies = LastOfEach<acl::NetworkPolicy>(objects);
  input.all_local = true;
  return input;
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

OfflineCluster::OfflineCluster(const std::vector<control::Object>& objects)
    : input_(ToInput(objects)), index_(input_.endpoints) {}

absl::Status OfflineCluster::Build() {
  auto eal = dataplane::Eal::Start(OwnEal());
  if (!eal.ok()) return eal.status();
  eal_ = *std::move(eal);
  auto build = control::BuildPolicy(input_, nullptr, {});
  if (!build.ok()) return build.status();
  build_ = *std::move(build);
  return absl::OkStatus();
}

control::Verdict OfflineCluster::Judge(control::Flow flow) const {
  control::SetSubjects(build_.population, &flow);
  return control::Judge(flow, *build_.addresses, *build_.in_force.rules,
                        *build_.in_force.classifier);
}

}  // namespace sluice::ctl
