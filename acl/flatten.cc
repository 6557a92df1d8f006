#include "acl/flatten.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace sluice::acl {
namespace {

// What a flat rule matches: of two alike in one tier, the first one wins always.
struct Match {
  Tier tier;
  ClassInterval subject, peer;
  PortRange ports;
  bool operator==(const Match&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Match& m) {
    return H::combine(std::move(h), m.tier, m.subject.first, m.subject.last, m.peer.first,
                      m.peer.last, m.ports.protocol, m.ports.first, m.ports.last);
  }
};

// Makes the rules of one direction; AppendTo adds them to a table, first made first to win.
class DirectionFlattener {
 public:
  DirectionFlattener(Direction direction, std::span<const LoweredPolicy* const> policies,
                     const Universe& universe, const ClassSet& subjects)
      : direction_(direction), policies_(policies), universe_(universe), subjects_(subjects) {}

  absl::Status AppendTo(RuleTable& table) {
    for (const LoweredPolicy* policy : policies_) AddRules(*policy, table);
    AddDefaultDenies(table);
    if (table.rules.size() + rules_.size() > kMaxFlatRules) {
      return absl::ResourceExhaustedError(
          fmt::format("policies make more than {} flat rules", kMaxFlatRules));
    }
    auto priority = static_cast<int32_t>(rules_.size());
    for (FlatRule& rule : rules_) rule.priority = priority--;
    table.rules.insert(table.rules.end(), rules_.begin(), rules_.end());
    return absl::OkStatus();
  }

 private:
  unsigned index() const { return static_cast<unsigned>(direction_); }
  const ClassSet& Where(const Predicate& predicate) const {
    return universe_.classes().Where(universe_.predicates().IdOf(predicate));
  }

  ClassSet ClassesOf(const PodPredicate& pods) const { return Where(pods); }
  ClassSet ClassesOf(const NodePredicate& nodes) const { return Where(nodes); }
  ClassSet ClassesOf(const AddressBlock& block) const {
    ClassSet classes = Where(block.cidr);
    for (const Cidr& except : block.except) classes = classes.Minus(Where(except));
    return classes;
  }

  // Unknown addresses match no allow and every deny.
  ClassSet PeersOf(const LoweredRule& rule) const {
    const bool denies = rule.action == Action::kDeny;
    ClassSet peers = denies ? ClassSet({kUnknownClass, kUnknownClass}) : ClassSet();
    if (!rule.peers) return peers.Union(universe_.classes().Everything());
    for (const LoweredPeer& peer : *rule.peers) {
      peers = peers.Union(std::visit([this](const auto& p) { return ClassesOf(p); }, peer));
    }
    return peers;
  }

  void AddRules(const LoweredPolicy& policy, RuleTable& table) {
    const std::vector<LoweredRule>& rules = policy.rules[index()];
    if (rules.empty()) return;
    const ClassSet subjects = ClassesOf(policy.subject).Touching(subjects_);
    if (subjects.empty()) return;
    for (const LoweredRule& rule : rules) {
      const size_t before = rules_.size();
      AddRule(policy, rule, subjects, table);
      if (rules_.size() == before) continue;
      table.sources.push_back(
          {.tier = policy.tier, .policies = {policy.name}, .rule = rule.name, .log = rule.log});
      if (rule.content.empty()) continue;
      table.contents.push_back(rule.content);
      if (rule.content.IsConditional()) table.has_conditional[index()] = true;
    }
  }

  void AddRule(const LoweredPolicy& policy, const LoweredRule& rule, const ClassSet& subjects,
               const RuleTable& table) {
    FlatRule made{.direction = direction_,
                  .tier = policy.tier,
                  .action = WithReject(rule.action, policy.options),
                  .source = static_cast<uint32_t>(table.sources.size()),
                  .conditional = rule.content.IsConditional()};
    if (!rule.content.empty()) made.content = static_cast<uint32_t>(table.contents.size() + 1);
    const ClassSet peers = PeersOf(rule);
    for (const PortRange& ports : rule.ports) AddMatches(made, subjects, peers, ports);
    for (const PortReference& port : rule.named_ports) AddNamed(made, subjects, peers, port);
  }

  static Action WithReject(Action action, const PolicyOptions& options) {
    return action == Action::kDeny && options.reject ? Action::kReject : action;
  }

  // A named port is looked up in the pod that the packet goes to.
  void AddNamed(const FlatRule& made, const ClassSet& subjects, const ClassSet& peers,
                const PortReference& port) {
    for (const PortFact& fact : universe_.predicates().FactsNamed(port)) {
      const ClassSet& holders = Where(fact);
      const PortRange number{fact.protocol, fact.number, fact.number};
      if (direction_ == Direction::kIngress) {
        AddMatches(made, subjects.Intersect(holders).Touching(subjects_), peers, number);
      } else {
        AddMatches(made, subjects, peers.Intersect(holders), number);
      }
    }
  }

  void AddMatches(const FlatRule& made, const ClassSet& subjects, const ClassSet& peers,
                  const PortRange& ports) {
    for (const ClassInterval& subject : subjects.intervals()) {
      for (const ClassInterval& peer : peers.intervals()) {
        if (rules_.size() > kMaxFlatRules) return;  // AppendTo refuses
        AddMatch(made, {made.tier, subject, peer, ports});
      }
    }
  }

  // What an earlier rule settles by addresses and ports alone is settled.
  void AddMatch(FlatRule made, const Match& match) {
    if (made.conditional) {
      if (matches_.contains(match)) return;
      made.shadowed = !conditional_.insert(match).second;
    } else if (!matches_.insert(match).second) {
      return;
    }
    Add(made, match.subject, match.peer, match.ports);
  }

  // Classes isolated by the same policies share one source.
  void AddDefaultDenies(RuleTable& table) {
    std::vector<std::vector<uint32_t>> isolating(universe_.classes().size());  // by ClassId
    for (uint32_t p = 0; p < policies_.size(); ++p) {
      if (!policies_[p]->isolates[index()]) continue;
      for (const ClassInterval& range : Where(policies_[p]->subject).intervals()) {
        for (unsigned id = range.first; id <= range.last; ++id) isolating[id].push_back(p);
      }
    }
    std::map<std::vector<uint32_t>, ClassSet> groups;
    for (size_t id = 1; id < isolating.size(); ++id) {
      if (!isolating[id].empty()) groups[isolating[id]].Append(static_cast<ClassId>(id));
    }
    for (const auto& [group, subjects] : groups) {
      const ClassSet affected = subjects.Touching(subjects_);
      if (affected.empty()) continue;
      const FlatRule made{.direction = direction_,
                          .action = DefaultOf(group),
                          .own_node = ClosesOwnNode(group),
                          .source = static_cast<uint32_t>(table.sources.size())};
      table.sources.push_back({.policies = NamesOf(group)});
      for (const ClassInterval& subject : affected.intervals()) {
        Add(made, subject, ClassInterval{}, PortRange{});
      }
    }
  }

  // Rejected if one of the isolating policies asks for it.
  Action DefaultOf(const std::vector<uint32_t>& group) const {
    const bool reject = std::any_of(group.begin(), group.end(),
                                    [this](uint32_t p) { return policies_[p]->options.reject; });
    return reject ? Action::kReject : Action::kDeny;
  }

  bool ClosesOwnNode(const std::vector<uint32_t>& group) const {
    return direction_ == Direction::kIngress &&
           std::any_of(group.begin(), group.end(),
                       [this](uint32_t p) { return policies_[p]->options.judges_own_node; });
  }

  std::vector<std::string> NamesOf(const std::vector<uint32_t>& group) const {
    std::vector<std::string> names;
    for (const uint32_t p : group) names.push_back(policies_[p]->name);
    std::sort(names.begin(), names.end());
    return names;
  }

  void Add(FlatRule rule, const ClassInterval& subject, const ClassInterval& peer,
           const PortRange& ports) {
    const bool ingress = direction_ == Direction::kIngress;
    rule.protocol = ports.protocol;
    rule.src = ingress ? peer : subject;
    rule.dst = ingress ? subject : peer;
    rule.port_first = ports.first;
    rule.port_last = ports.last;
    rules_.push_back(rule);
  }

  const Direction direction_;
  std::span<const LoweredPolicy* const> policies_;
  const Universe& universe_;
  const ClassSet& subjects_;
  std::vector<FlatRule> rules_;
  absl::flat_hash_set<Match> matches_;      // of rules without a condition
  absl::flat_hash_set<Match> conditional_;  // of those with one
};

}  // namespace

absl::StatusOr<RuleTable> Flatten(std::span<const LoweredPolicy> policies, const Universe& universe,
                                  const ClassSet& subjects, WithAudit audit) {
  std::vector<const LoweredPolicy*> in_force;
  for (const LoweredPolicy& policy : policies) {
    if (audit == WithAudit::kYes || !policy.options.audit) in_force.push_back(&policy);
  }
  RuleTable table;
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    DirectionFlattener flattener(direction, in_force, universe, subjects);
    if (absl::Status status = flattener.AppendTo(table); !status.ok()) return status;
  }
  return table;
}

}  // namespace sluice::acl
