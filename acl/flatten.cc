#include "acl/flatten.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace sluice::acl {
namespace {

struct PortRange {
  int16_t protocol = kAnyProtocol;
  uint16_t first = 0;
  uint16_t last = 0xffff;
  auto operator<=>(const PortRange&) const = default;
};

std::string PolicyName(const NetworkPolicy& policy) {
  return fmt::format("NetworkPolicy {}/{}", policy.namespace_name, policy.name);
}

const char* DirectionName(Direction direction) {
  return direction == Direction::kIngress ? "ingress" : "egress";
}

bool Isolates(const NetworkPolicy& policy, Direction direction) {
  return direction == Direction::kIngress ? policy.IsolatesIngress() : policy.IsolatesEgress();
}

const std::vector<NetworkPolicyRule>& RulesOf(const NetworkPolicy& policy, Direction direction) {
  return direction == Direction::kIngress ? policy.ingress : policy.egress;
}

// `ranges` sorted, with those of one protocol that overlap or touch made one.
std::vector<PortRange> Merged(std::vector<PortRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<PortRange> merged;
  for (const PortRange& next : ranges) {
    if (!merged.empty() && merged.back().protocol == next.protocol &&
        next.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, next.last);
    } else {
      merged.push_back(next);
    }
  }
  return merged;
}

// The ports of `rule` that are numbers: all but named ones.
std::vector<PortRange> NumberedPorts(const NetworkPolicyRule& rule) {
  if (rule.ports.empty()) return {PortRange{}};
  std::vector<PortRange> ranges;
  for (const NetworkPolicyPort& port : rule.ports) {
    const int16_t protocol = ProtocolNumber(port.protocol);
    if (std::holds_alternative<std::monostate>(port.port)) {
      ranges.push_back({.protocol = protocol});
    } else if (const int64_t* first = std::get_if<int64_t>(&port.port)) {
      ranges.push_back({protocol, static_cast<uint16_t>(*first),
                        static_cast<uint16_t>(port.end_port.value_or(*first))});
    }
  }
  return Merged(std::move(ranges));
}

// Makes the rules of one direction; Append adds them to a table, first made first to win.
class DirectionFlattener {
 public:
  DirectionFlattener(Direction direction, std::span<const NetworkPolicy* const> policies,
                     const PredicateTable& predicates, const ClassTable& classes,
                     const ClassSet& local)
      : direction_(direction),
        policies_(policies),
        predicates_(predicates),
        classes_(classes),
        local_(local) {}

  absl::Status AppendTo(RuleTable& table) {
    for (const NetworkPolicy* policy : policies_) {
      if (Isolates(*policy, direction_)) AddAllows(*policy, table);
    }
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
  const ClassSet& SubjectsOf(const NetworkPolicy& policy) const {
    return classes_.Where(predicates_.IdOf(SubjectOf(policy)));
  }

  ClassSet ClassesOf(const std::string& namespace_name, const NetworkPolicyPeer& peer) const {
    if (!peer.ip_block) return classes_.Where(predicates_.IdOf(PeerOf(namespace_name, peer)));
    ClassSet block = classes_.Where(predicates_.IdOf(*Cidr::Parse(peer.ip_block->cidr)));
    for (const std::string& except : peer.ip_block->except) {
      block = block.Minus(classes_.Where(predicates_.IdOf(*Cidr::Parse(except))));
    }
    return block;
  }

  ClassSet PeersOf(const std::string& namespace_name, const NetworkPolicyRule& rule) const {
    if (rule.peers.empty()) return classes_.Everything();
    ClassSet peers;
    for (const NetworkPolicyPeer& peer : rule.peers) {
      peers = peers.Union(ClassesOf(namespace_name, peer));
    }
    return peers;
  }

  void AddAllows(const NetworkPolicy& policy, RuleTable& table) {
    const ClassSet subjects = SubjectsOf(policy).Touching(local_);
    if (subjects.empty()) return;
    const std::vector<NetworkPolicyRule>& rules = RulesOf(policy, direction_);
    for (size_t i = 0; i < rules.size(); ++i) {
      const size_t before = rules_.size();
      const auto source = static_cast<uint32_t>(table.sources.size());
      const ClassSet peers = PeersOf(policy.namespace_name, rules[i]);
      for (const PortRange& ports : NumberedPorts(rules[i])) Allow(subjects, peers, ports, source);
      for (const NetworkPolicyPort& port : rules[i].ports) {
        if (std::holds_alternative<std::string>(port.port)) {
          AllowNamed(subjects, peers, port, source);
        }
      }
      if (rules_.size() == before) continue;
      table.sources.push_back({.policies = {PolicyName(policy)},
                               .rule = fmt::format("{}[{}]", DirectionName(direction_), i)});
    }
  }

  // A named port is looked up in the pod that the packet goes to.
  void AllowNamed(const ClassSet& subjects, const ClassSet& peers, const NetworkPolicyPort& port,
                  uint32_t source) {
    const uint8_t protocol = ProtocolNumber(port.protocol);
    for (const PortFact& fact :
         predicates_.FactsNamed(std::get<std::string>(port.port), protocol)) {
      const ClassSet& holders = classes_.Where(predicates_.IdOf(fact));
      const PortRange number{protocol, fact.number, fact.number};
      if (direction_ == Direction::kIngress) {
        Allow(subjects.Intersect(holders).Touching(local_), peers, number, source);
      } else {
        Allow(subjects, peers.Intersect(holders), number, source);
      }
    }
  }

  void Allow(const ClassSet& subjects, const ClassSet& peers, const PortRange& ports,
             uint32_t source) {
    for (const ClassInterval& subject : subjects.intervals()) {
      for (const ClassInterval& peer : peers.intervals()) {
        if (rules_.size() > kMaxFlatRules) return;  // AppendTo refuses
        if (!allowed_.insert({subject, peer, ports}).second) continue;
        Add(Action::kAllow, subject, peer, ports, source);
      }
    }
  }

  // Classes isolated by the same policies share one source.
  void AddDefaultDenies(RuleTable& table) {
    std::vector<std::vector<uint32_t>> isolating(classes_.size());  // by ClassId
    for (uint32_t p = 0; p < policies_.size(); ++p) {
      if (!Isolates(*policies_[p], direction_)) continue;
      for (const ClassInterval& range : SubjectsOf(*policies_[p]).intervals()) {
        for (unsigned id = range.first; id <= range.last; ++id) isolating[id].push_back(p);
      }
    }
    std::map<std::vector<uint32_t>, ClassSet> groups;
    for (size_t id = 1; id < isolating.size(); ++id) {
      if (!isolating[id].empty()) groups[isolating[id]].Append(static_cast<ClassId>(id));
    }
    for (const auto& [group, subjects] : groups) {
      const ClassSet affected = subjects.Touching(local_);
      if (affected.empty()) continue;
      const auto source = static_cast<uint32_t>(table.sources.size());
      table.sources.push_back({.policies = NamesOf(group)});
      for (const ClassInterval& subject : affected.intervals()) {
        Add(Action::kDeny, subject, ClassInterval{}, PortRange{}, source);
      }
    }
  }

  std::vector<std::string> NamesOf(const std::vector<uint32_t>& group) const {
    std::vector<std::string> names;
    for (const uint32_t p : group) names.push_back(PolicyName(*policies_[p]));
    std::sort(names.begin(), names.end());
    return names;
  }

  void Add(Action action, const ClassInterval& subject, const ClassInterval& peer,
           const PortRange& ports, uint32_t source) {
    const bool ingress = direction_ == Direction::kIngress;
    rules_.push_back({.direction = direction_,
                      .action = action,
                      .protocol = ports.protocol,
                      .src = ingress ? peer : subject,
                      .dst = ingress ? subject : peer,
                      .port_first = ports.first,
                      .port_last = ports.last,
                      .source = source});
  }

  const Direction direction_;
  std::span<const NetworkPolicy* const> policies_;
  const PredicateTable& predicates_;
  const ClassTable& classes_;
  const ClassSet& local_;
  std::vector<FlatRule> rules_;
  std::set<std::tuple<ClassInterval, ClassInterval, PortRange>> allowed_;
};

}  // namespace

absl::StatusOr<RuleTable> Flatten(std::span<const NetworkPolicy* const> policies,
                                  const PredicateTable& predicates, const ClassTable& classes,
                                  const ClassSet& local) {
  RuleTable table;
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    DirectionFlattener flattener(direction, policies, predicates, classes, local);
    if (absl::Status status = flattener.AppendTo(table); !status.ok()) return status;
  }
  return table;
}

}  // namespace sluice::acl
