#include "acl/policy_diff.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "acl/compiler.h"
#include "acl/flatten.h"
#include "acl/lowering.h"

namespace sluice::acl {
namespace {

// The rules of one table that can concern one subject class, by subject class.
using RulesBySubject = std::vector<std::vector<uint32_t>>;

RulesBySubject Sort(const RuleTable& table, Direction direction, const Universe& universe) {
  RulesBySubject sorted(universe.classes().size());
  for (uint32_t r = 0; r < table.rules.size(); ++r) {
    const FlatRule& rule = table.rules[r];
    if (rule.direction != direction) continue;
    const ClassInterval range = direction == Direction::kIngress ? rule.dst : rule.src;
    const size_t last = std::min<size_t>(range.last, sorted.size() - 1);
    for (size_t id = range.first; id <= last; ++id) {
      if (universe.local().Contains(static_cast<ClassId>(id))) sorted[id].push_back(r);
    }
  }
  return sorted;
}

struct Side {
  Side(const RuleTable& rules, Direction of, const Universe& universe)
      : table(rules), direction(of), by_subject(Sort(rules, of, universe)) {}

  Decision Decide(ClassId subject, ClassId peer, uint8_t protocol, uint16_t port) const {
    std::array<uint32_t, kMaxCategories> hits{};
    for (const uint32_t r : by_subject[subject]) {
      const FlatRule& rule = table.rules[r];
      const ClassInterval& peers = direction == Direction::kIngress ? rule.src : rule.dst;
      uint32_t& hit = hits[CategoryOf(rule.tier, direction)];
      if (hit == 0 && peers.Contains(peer) &&
          (rule.protocol == kAnyProtocol || rule.protocol == protocol) && rule.port_first <= port &&
          port <= rule.port_last) {
        hit = r + 1;  // rules of a direction are in the order in which they win
      }
    }
    return acl::Decide(table, hits, direction);
  }

  const RuleTable& table;
  const Direction direction;
  RulesBySubject by_subject;
};

// By protocol: where rules begin, or have just ended.
using Edges = std::map<uint8_t, std::set<uint16_t>>;

class Comparison {
 public:
  Comparison(PolicyDiff& diff, size_t most)
      : diff_(diff),
        most_(most),
        egress_{Side(diff.before, Direction::kEgress, *diff.universe),
                Side(diff.after, Direction::kEgress, *diff.universe)},
        ingress_{Side(diff.before, Direction::kIngress, *diff.universe),
                 Side(diff.after, Direction::kIngress, *diff.universe)},
        egress_differs_(Differing(egress_)),
        ingress_differs_(Differing(ingress_)) {}

  void Run() {
    const size_t classes = diff_.universe->classes().size();
    for (size_t from = 0; from < classes; ++from) {
      for (size_t to = 0; to < classes; ++to) {
        if (egress_differs_[from] || ingress_differs_[to]) {
          ComparePair(static_cast<ClassId>(from), static_cast<ClassId>(to));
        }
      }
    }
  }

 private:
  using Sides = std::array<Side, 2>;  // before, after

  // By class: whether its rules as a subject are others now.
  static std::vector<bool> Differing(const Sides& sides) {
    std::vector<bool> differs;
    for (size_t id = 0; id < sides[0].by_subject.size(); ++id) {
      const std::vector<uint32_t>& a = sides[0].by_subject[id];
      const std::vector<uint32_t>& b = sides[1].by_subject[id];
      differs.push_back(
          !std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](uint32_t before, uint32_t after) {
            return Alike(sides[0].table.rules[before], sides[1].table.rules[after]);
          }));
    }
    return differs;
  }

  static bool Alike(FlatRule a, const FlatRule& b) {
    a.priority = b.priority;
    a.source = b.source;
    return a == b;
  }

  void AddEdges(const Sides& sides, ClassId subject, Edges& edges) const {
    for (const Side& side : sides) {
      for (const uint32_t r : side.by_subject[subject]) {
        const FlatRule& rule = side.table.rules[r];
        if (rule.protocol == kAnyProtocol) continue;
        std::set<uint16_t>& ports = edges[static_cast<uint8_t>(rule.protocol)];
        ports.insert({0, rule.port_first});
        if (rule.port_last < 0xffff) ports.insert(static_cast<uint16_t>(rule.port_last + 1));
      }
    }
  }

  BothSides Judge(size_t when, ClassId from, ClassId to, uint8_t protocol, uint16_t port) const {
    return {egress_[when].Decide(from, to, protocol, port),
            ingress_[when].Decide(to, from, protocol, port)};
  }

  void ComparePair(ClassId from, ClassId to) {
    Edges edges = {{kEveryOther, {0}}};
    AddEdges(egress_, from, edges);
    AddEdges(ingress_, to, edges);
    for (const auto& [protocol, ports] : edges) {
      for (auto edge = ports.begin(); edge != ports.end(); ++edge) {
        const auto next = std::next(edge);
        const uint16_t last = next == ports.end() ? 0xffff : static_cast<uint16_t>(*next - 1);
        Compare(
            {.from = from, .to = to, .protocol = protocol, .port_first = *edge, .port_last = last});
      }
    }
  }

  void Compare(Flip flip) {
    flip.before = Judge(0, flip.from, flip.to, flip.protocol, flip.port_first);
    flip.after = Judge(1, flip.from, flip.to, flip.protocol, flip.port_first);
    if (flip.before.allow() == flip.after.allow()) return;
    ++diff_.count;
    if (diff_.flips.size() < most_) diff_.flips.push_back(flip);
  }

  PolicyDiff& diff_;
  const size_t most_;
  const Sides egress_, ingress_;
  const std::vector<bool> egress_differs_, ingress_differs_;
};

}  // namespace

absl::StatusOr<PolicyDiff> DiffPolicies(const PolicyInput& before, const PolicyInput& after,
                                        size_t most) {
  for (const PolicyInput* input : {&before, &after}) {
    if (absl::Status valid = CheckPolicies(*input); !valid.ok()) return valid;
  }
  const std::vector<LoweredPolicy> old_policies = Lower(before), new_policies = Lower(after);
  std::vector<LoweredPolicy> both = old_policies;
  both.insert(both.end(), new_policies.begin(), new_policies.end());
  PolicyDiff diff;
  auto universe = Universe::Build(before, both, &diff.population);
  if (!universe.ok()) return universe.status();
  diff.universe = *std::move(universe);
  auto old_table = Flatten(old_policies, *diff.universe);
  if (!old_table.ok()) return old_table.status();
  auto new_table = Flatten(new_policies, *diff.universe);
  if (!new_table.ok()) return new_table.status();
  diff.before = *std::move(old_table);
  diff.after = *std::move(new_table);
  Comparison(diff, most).Run();
  return diff;
}

}  // namespace sluice::acl
