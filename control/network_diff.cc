#include "control/network_diff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <utility>

#include "acl/policy_diff.h"
#include "control/protocol_name.h"

namespace sluice::control {
namespace {

absl::Status Refused(const std::string& object, const char* why) {
  return absl::InvalidArgumentError(fmt::format(
      "{}: {}: a diff is of policies, among pods, namespaces and nodes as they are", object, why));
}

// Labels as policies see them: the implied one is there, whether written or not.
std::map<std::string, acl::Labels> NamespaceLabels(const acl::PolicyInput& input) {
  std::map<std::string, acl::Labels> labels;
  for (const acl::Namespace& ns : input.namespaces) {
    labels[ns.name] = ns.labels;
    labels[ns.name].erase("kubernetes.io/metadata.name");
  }
  return labels;
}

absl::Status CheckSamePods(const acl::PolicyInput& before, const acl::PolicyInput& after) {
  std::map<acl::MemberName, const acl::Endpoint*> now;
  for (const acl::Endpoint& pod : after.endpoints) now[{pod.namespace_name, pod.name}] = &pod;
  for (const acl::Endpoint& pod : before.endpoints) {
    const auto same = now.find({pod.namespace_name, pod.name});
    const std::string name = fmt::format("Pod {}/{}", pod.namespace_name, pod.name);
    if (same == now.end()) return Refused(name, "would go");
    if (*same->second != pod) return Refused(name, "would change");
  }
  return absl::OkStatus();
}

// Only namespaces that have pods mean anything.
absl::Status CheckSameNamespaces(const acl::PolicyInput& before, const acl::PolicyInput& after) {
  std::map<std::string, acl::Labels> old_labels = NamespaceLabels(before);
  std::map<std::string, acl::Labels> new_labels = NamespaceLabels(after);
  std::set<std::string> used;
  for (const acl::Endpoint& pod : before.endpoints) used.insert(pod.namespace_name);
  for (const std::string& name : used) {
    if (old_labels[name] != new_labels[name]) {
      return Refused("Namespace " + name, "its labels would change");
    }
  }
  return absl::OkStatus();
}

// A node that only pods name has no labels and other addresses, perhaps.
absl::Status CheckSameNodes(const acl::PolicyInput& before, const acl::PolicyInput& after) {
  std::map<std::string, const acl::Node*> old_nodes, new_nodes;
  for (const acl::Endpoint& pod : before.endpoints) {
    if (!pod.node.empty()) old_nodes[pod.node] = nullptr;
  }
  for (const acl::Node& node : before.nodes) old_nodes[node.name] = &node;
  for (const acl::Node& node : after.nodes) new_nodes[node.name] = &node;
  for (const auto& [name, node] : old_nodes) {
    const acl::Node* now = new_nodes[name];
    if (node == nullptr && now == nullptr) continue;
    if (node == nullptr || now == nullptr) return Refused("Node " + name, "would come or go");
    if (*node != *now) return Refused("Node " + name, "would change");
  }
  return absl::OkStatus();
}

absl::Status CheckSameWorld(const acl::PolicyInput& before, const acl::PolicyInput& after) {
  if (absl::Status s = CheckSamePods(before, after); !s.ok()) return s;
  if (absl::Status s = CheckSameNamespaces(before, after); !s.ok()) return s;
  return CheckSameNodes(before, after);
}

// The classes of a diff, as people know them.
class ClassTexts {
 public:
  ClassTexts(const acl::PolicyInput& input, const acl::PolicyDiff& diff)
      : addresses_(diff.population.addresses()) {
    for (std::vector<std::string>& selectors : diff.universe->Describe()) {
      texts_.push_back({.id = static_cast<acl::ClassId>(texts_.size()),
                        .selectors = std::move(selectors),
                        .examples = {}});
    }
    for (const acl::Endpoint& pod : input.endpoints) {
      if (pod.host_network) continue;
      AddMember(fmt::format("{}/{}", pod.namespace_name, pod.name), pod.addresses);
    }
    for (const acl::Node& node : input.nodes) AddMember("node " + node.name, node.addresses);
    for (const auto& [block, id] : diff.universe->blocks()) {
      const bool own = addresses_.Lookup(block.base) == id;
      if (block.prefix_len > 0 && own) AddExample(block.base.ToString(), texts_[id]);
    }
  }

  const ClassText& Of(acl::ClassId id) const { return texts_[id]; }

 private:
  // Its addresses may be of several classes.
  void AddMember(const std::string& name, const std::vector<acl::IpAddress>& addresses) {
    std::map<acl::ClassId, std::vector<std::string>> by_class;
    for (const acl::IpAddress& address : addresses) {
      by_class[addresses_.Lookup(address)].push_back(address.ToString());
    }
    for (const auto& [id, texts] : by_class) {
      ++texts_[id].members;
      AddExample(fmt::format("{} ({})", name, fmt::join(texts, ", ")), texts_[id]);
    }
  }

  static void AddExample(std::string example, ClassText& text) {
    if (text.examples.size() < kMaxExamples) text.examples.push_back(std::move(example));
  }

  const acl::AddressMap& addresses_;
  std::vector<ClassText> texts_;
};

std::string ProtocolText(const acl::Flip& flip) {
  if (flip.protocol != acl::kAnyProtocol) {
    return ProtocolName(static_cast<uint8_t>(flip.protocol));
  }
  std::vector<std::string> but;
  for (const uint8_t protocol : flip.but) but.push_back(ProtocolName(protocol));
  return but.empty() ? "any" : fmt::format("any but {}", fmt::join(but, ", "));
}

Side SideOf(const acl::Ruling& ruling, const acl::RuleTable& table) {
  Side side{.allow = ruling.allow, .tier = ruling.tier, .policies = {}, .rule = {}};
  if (ruling.source == 0) return side;
  const acl::RuleSource& source = table.sources[ruling.source - 1];
  side.policies = source.policies;
  side.rule = source.rule;
  return side;
}

Verdict VerdictOf(const acl::Flip& flip, const acl::BothSides& sides, const acl::RuleTable& table,
                  const acl::ClassSet& local) {
  Verdict verdict{.allow = sides.allow(), .egress = {}, .ingress = {}};
  if (local.Contains(flip.from)) verdict.egress = SideOf(sides.egress, table);
  if (local.Contains(flip.to)) verdict.ingress = SideOf(sides.ingress, table);
  return verdict;
}

}  // namespace

absl::StatusOr<NetworkDiff> DiffNetwork(const std::string& network, const acl::PolicyInput& before,
                                        const acl::PolicyInput& after, size_t most) {
  if (absl::Status same = CheckSameWorld(before, after); !same.ok()) return same;
  const auto diff = acl::DiffPolicies(before, after, most);
  if (!diff.ok()) return diff.status();
  NetworkDiff result{.network = network, .count = diff->count, .pairs = diff->pairs, .flips = {}};
  if (diff->flips.empty()) return result;
  const ClassTexts classes(after, *diff);
  const acl::ClassSet& local = diff->universe->local();
  for (const acl::Flip& flip : diff->flips) {
    result.flips.push_back({.from = classes.Of(flip.from),
                            .to = classes.Of(flip.to),
                            .protocol = ProtocolText(flip),
                            .port_first = flip.port_first,
                            .port_last = flip.port_last,
                            .before = VerdictOf(flip, flip.before, diff->before, local),
                            .after = VerdictOf(flip, flip.after, diff->after, local)});
  }
  return result;
}

}  // namespace sluice::control
