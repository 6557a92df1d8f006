#include "acl/evaluate_world.h"

#include <algorithm>
#include <set>

#include "acl/evaluate_text.h"

namespace sluice::acl {
namespace {

constexpr const char* kNameLabel = "kubernetes.io/metadata.name";

bool IsLocal(const PolicyInput& input, const Endpoint& pod) {
  return input.all_local || input.local.count({pod.namespace_name, pod.name}) != 0;
}

bool Differ(const Endpoint& a, const Endpoint& b) {
  return a.namespace_name != b.namespace_name || a.labels != b.labels ||
         a.named_ports != b.named_ports;
}

// The local ones among those who claim an address; all of them if none is.
std::vector<const Endpoint*> Strongest(const PolicyInput& input,
                                       const std::vector<const Endpoint*>& claimants) {
  std::vector<const Endpoint*> locals;
  for (const Endpoint* pod : claimants) {
    if (IsLocal(input, *pod)) locals.push_back(pod);
  }
  return locals.empty() ? claimants : locals;
}

}  // namespace

RawWorld::RawWorld(const PolicyInput& input) : input_(input) {
  for (const Endpoint& pod : input.endpoints) {
    if (pod.host_network) continue;
    for (const IpAddress& address : pod.addresses) claims_[address].push_back(&pod);
  }
  for (const Namespace& ns : input.namespaces) {
    namespaces_[ns.name] = ns.labels;
    namespaces_[ns.name][kNameLabel] = ns.name;
  }
  for (auto& [address, claimants] : claims_) {
    if (claimants.size() > 1) claimants = Strongest(input, claimants);
  }
  AddNodes();
}

void RawWorld::AddNodes() {
  std::set<std::string> listed;
  for (const Node& node : input_.nodes) {
    listed.insert(node.name);
    for (const IpAddress& address : node.addresses) nodes_at_[address].push_back(node.labels);
  }
  for (const Endpoint& pod : input_.endpoints) {
    if (listed.count(pod.node) != 0) continue;
    for (const IpAddress& address : pod.node_addresses) {
      std::vector<Labels>& nodes = nodes_at_[address];
      if (nodes.empty() || !nodes.back().empty()) nodes.emplace_back();  // one without labels
    }
  }
}

bool RawWorld::IsContested(const IpAddress& address) const {
  const auto claim = claims_.find(address);
  if (claim == claims_.end()) return false;
  const std::vector<const Endpoint*>& claimants = claim->second;
  return std::any_of(claimants.begin(), claimants.end(), [&claimants](const Endpoint* pod) {
    return Differ(*pod, *claimants.front());
  });
}

const Endpoint* RawWorld::PodAt(const IpAddress& address) const {
  const auto claim = claims_.find(address);
  if (claim == claims_.end() || IsContested(address)) return nullptr;
  return claim->second.front();
}

bool RawWorld::IsUnknown(const IpAddress& address) const {
  if (IsContested(address)) return true;
  if (PodAt(address) != nullptr || IsNode(address, {})) return false;
  return std::any_of(input_.cluster_cidrs.begin(), input_.cluster_cidrs.end(),
                     [&address](const Cidr& cidr) { return IsInside(cidr, address); });
}

bool RawWorld::IsNode(const IpAddress& address, const LabelSelector& nodes) const {
  const auto found = nodes_at_.find(address);
  if (found == nodes_at_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&nodes](const Labels& labels) { return Selects(nodes, labels); });
}

bool RawWorld::SelectsNamespace(const LabelSelector& namespaces, const std::string& name) const {
  const auto found = namespaces_.find(name);
  return found != namespaces_.end() ? Selects(namespaces, found->second)
                                    : Selects(namespaces, {{kNameLabel, name}});
}

bool RawWorld::IsDefaultDeny(const std::string& name) const {
  return std::any_of(
      input_.namespaces.begin(), input_.namespaces.end(),
      [&name](const Namespace& ns) { return ns.name == name && ns.ingress_default_deny; });
}

}  // namespace sluice::acl
