#include "acl/universe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace sluice::acl {
namespace {

bool IsSomebody(const Endpoint& endpoint) {
  return !endpoint.host_network && !endpoint.addresses.empty();
}

// Those that policy can see, sorted by name. Errors: InvalidArgument for two of one name; the
// result would depend on their order.
absl::StatusOr<std::vector<const Endpoint*>> Sorted(const EndpointList& endpoints) {
  std::vector<const Endpoint*> sorted;
  for (const Endpoint& endpoint : endpoints) {
    if (IsSomebody(endpoint)) sorted.push_back(&endpoint);
  }
  const auto name = [](const Endpoint* e) { return std::tie(e->namespace_name, e->name); };
  std::sort(sorted.begin(), sorted.end(),
            [&](const Endpoint* a, const Endpoint* b) { return name(a) < name(b); });
  const auto twin =
      std::adjacent_find(sorted.begin(), sorted.end(),
                         [&](const Endpoint* a, const Endpoint* b) { return name(a) == name(b); });
  if (twin == sorted.end()) return sorted;
  return absl::InvalidArgumentError(
      fmt::format("Pod {}/{} is given twice", (*twin)->namespace_name, (*twin)->name));
}

// The nodes of `input`, and those that only pods name.
std::vector<Node> NodesOf(const PolicyInput& input) {
  std::map<std::string, Node> listed, named;
  for (const Node& node : input.nodes) listed[node.name] = node;
  for (const Endpoint& endpoint : input.endpoints) {
    if (listed.contains(endpoint.node)) continue;
    Node& node = named[endpoint.node];
    node.name = endpoint.node;
    std::vector<IpAddress>& known = node.addresses;
    for (const IpAddress& address : endpoint.node_addresses) {
      if (std::find(known.begin(), known.end(), address) == known.end()) known.push_back(address);
    }
  }
  std::vector<Node> result;
  listed.merge(named);
  for (auto& [name, node] : listed) result.push_back(std::move(node));
  return result;
}

// Every block that an address without owner can be told apart by.
std::set<Cidr> Blocks(const PolicyInput& input, const PredicateTable& predicates) {
  std::set<Cidr> blocks(input.cluster_cidrs.begin(), input.cluster_cidrs.end());
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    blocks.insert(Cidr{IpAddress{.family = family}, 0});
  }
  for (const Predicate& predicate : predicates.all()) {
    if (const Cidr* cidr = std::get_if<Cidr>(&predicate)) blocks.insert(*cidr);
  }
  return blocks;
}

bool IsInCluster(const Cidr& block, const PolicyInput& input) {
  return std::any_of(input.cluster_cidrs.begin(), input.cluster_cidrs.end(),
                     [&](const Cidr& cluster) { return cluster.Contains(block); });
}

void Append(Signature& signature, const Signature& more) {
  signature.insert(signature.end(), more.begin(), more.end());
}

}  // namespace

Universe::Universe(PredicateTable predicates, std::span<const Namespace> namespaces)
    : predicates_(std::move(predicates)),
      pods_(predicates_, namespaces),
      nodes_(predicates_),
      cidrs_(predicates_) {}

Universe::Signed Universe::Sign(const Endpoint& endpoint, bool local) {
  Signed result{.name = {endpoint.namespace_name, endpoint.name},
                .owner = local ? Owner::kLocal : Owner::kRemote,
                .own = pods_.Sign(endpoint),
                .addresses = {}};
  for (const IpAddress& address : endpoint.addresses) {
    Append(result.addresses.emplace_back(address, result.own).second, HoldsOf(address));
  }
  return result;
}

Universe::Signed Universe::Sign(const Node& node) const {
  Signed result{.name = {"", node.name}, .owner = Owner::kNode, .own = {}, .addresses = {}};
  for (const IpAddress& address : node.addresses) {
    result.addresses.emplace_back(address, HoldsOf(address));
  }
  return result;
}

void Universe::AddNodes(const std::vector<Node>& nodes) {
  for (const Node& node : nodes) {
    const Signature holds = nodes_.Sign(node.labels);
    for (const IpAddress& address : node.addresses) {
      Signature& all = nodes_at_[address];
      Append(all, holds);
      std::sort(all.begin(), all.end());
      all.erase(std::unique(all.begin(), all.end()), all.end());
    }
  }
}

// Whoever has the address: the blocks that it lies in, and what holds of a node that has it.
Signature Universe::HoldsOf(const IpAddress& address) const {
  Signature holds = cidrs_.Containing(address);
  const auto nodes = nodes_at_.find(address);
  if (nodes != nodes_at_.end()) Append(holds, nodes->second);
  return holds;
}

// Absent if one of its signatures has no class.
std::optional<Member> Universe::ClassesOf(const Signed& from) const {
  Member member{.owner = from.owner, .subject = {}, .addresses = {}};
  const std::optional<ClassId> without = classes_.Find(from.own);
  if (from.owner != Owner::kNode) {
    if (!without) return std::nullopt;
    member.subject = {*without, *without};
  }
  bool seen_v4 = false, seen_v6 = false;
  for (const auto& [address, signature] : from.addresses) {
    const std::optional<ClassId> id = classes_.Find(signature);
    if (!id) return std::nullopt;
    member.addresses.emplace_back(address, *id);
    const bool v4 = address.family == Family::kIpv4;
    bool& seen = v4 ? seen_v4 : seen_v6;
    if (!seen) (v4 ? member.subject.v4 : member.subject.v6) = *id;  // the first of its family
    seen = true;
  }
  return member;
}

absl::Status Universe::NumberClasses(const std::vector<Signed>& members,
                                     const std::vector<std::pair<Cidr, Signature>>& outside) {
  std::vector<Signature> signatures;
  for (const Signed& member : members) {
    if (member.owner != Owner::kNode) signatures.push_back(member.own);
    for (const auto& [address, signature] : member.addresses) signatures.push_back(signature);
  }
  for (const auto& [block, signature] : outside) signatures.push_back(signature);
  absl::StatusOr<ClassTable> classes =
      ClassTable::Number(std::move(signatures), predicates_.all().size());
  if (!classes.ok()) return classes.status();
  classes_ = *std::move(classes);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Universe>> Universe::Build(const PolicyInput& input,
                                                          std::span<const LoweredPolicy> policies,
                                                          Population* population) {
  const absl::StatusOr<std::vector<const Endpoint*>> endpoints = Sorted(input.endpoints);
  if (!endpoints.ok()) return endpoints.status();
  std::unique_ptr<Universe> universe(
      new Universe(PredicateTable(policies, *endpoints), input.namespaces));

  const std::vector<Node> nodes = NodesOf(input);
  universe->AddNodes(nodes);
  for (const Node& node : input.nodes) universe->listed_nodes_.insert(node.name);
  std::vector<Signed> members;
  for (const Endpoint* endpoint : *endpoints) {
    const bool local =
        input.all_local || input.local.contains({endpoint->namespace_name, endpoint->name});
    members.push_back(universe->Sign(*endpoint, local));
  }
  for (const Node& node : nodes) members.push_back(universe->Sign(node));
  std::vector<std::pair<Cidr, Signature>> outside;
  std::vector<std::pair<Cidr, ClassId>>& prefixes = universe->blocks_;
  for (const Cidr& block : Blocks(input, universe->predicates_)) {
    if (IsInCluster(block, input)) {
      prefixes.emplace_back(block, kUnknownClass);
    } else {
      outside.emplace_back(block, universe->cidrs_.Containing(block));
    }
  }
  if (absl::Status s = universe->NumberClasses(members, outside); !s.ok()) return s;

  for (const auto& [block, signature] : outside) {
    prefixes.emplace_back(block, universe->classes_.IdOf(signature));
  }
  population->SetPrefixes(prefixes);
  std::vector<Population::Change> changes;
  std::set<ClassId> local;
  for (const Signed& from : members) {
    changes.push_back({from.name, universe->ClassesOf(from)});
    const SubjectClasses& subject = changes.back().member->subject;
    if (from.owner == Owner::kLocal) local.insert({subject.v4, subject.v6});
  }
  population->Apply(changes);
  population->Freeze();
  for (const ClassId id : local) universe->local_.Append(id);
  return universe;
}

std::optional<Universe::Placement> Universe::Place(const Endpoint& endpoint, bool local) {
  Placement placement{.change = {.name = {endpoint.namespace_name, endpoint.name}, .member = {}}};
  for (const IpAddress& address : endpoint.node_addresses) {
    if (!listed_nodes_.contains(endpoint.node) && !nodes_at_.contains(address)) {
      return std::nullopt;
    }
  }
  if (!IsSomebody(endpoint)) return placement;
  for (const PortFact& fact : FactsOf(endpoint)) {
    if (predicates_.Names(fact) && !predicates_.Find(fact)) return std::nullopt;
  }
  placement.change.member = ClassesOf(Sign(endpoint, local));
  if (!placement.change.member) return std::nullopt;
  const SubjectClasses& subject = placement.change.member->subject;
  placement.judged = !local || (local_.Contains(subject.v4) && local_.Contains(subject.v6));
  return placement;
}

std::vector<std::vector<std::string>> Universe::Describe() const {
  std::vector<std::vector<std::string>> described(classes_.size());
  described[kUnknownClass] = {"unknown: inside the cluster, of no known pod"};
  for (size_t id = 1; id < classes_.size(); ++id) {
    for (const PredicateId predicate : classes_.signature(static_cast<ClassId>(id))) {
      described[id].push_back(ToString(predicates_.all()[predicate]));
    }
    if (described[id].empty()) described[id] = {"any other address"};
  }
  return described;
}

}  // namespace sluice::acl
