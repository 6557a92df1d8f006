#include "acl/side_rulings.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace sluice::acl {

SideRulings::SideRulings(const RuleTable& before, const RuleTable& after, Direction direction,
                         const Universe& universe) {
  Number({{kAnyProtocol, {PortRulings{}}}});
  std::vector<PeerRules> old_rules = BySubject(before, direction, universe);
  std::vector<PeerRules> new_rules = BySubject(after, direction, universe);
  std::map<BothRules, uint32_t> groups;
  for (size_t id = 0; id < old_rules.size(); ++id) {
    const auto [group, added] =
        groups.try_emplace({std::move(old_rules[id]), std::move(new_rules[id])}, groups_.size());
    if (added) groups_.push_back(MakeGroup(group->first));
    group_of_.push_back(group->second);
  }
}

uint32_t SideRulings::Find(ClassId subject, ClassId peer) const {
  const std::vector<PeerSpan>& spans = groups_[group_of_[subject]].spans;
  return std::ranges::lower_bound(spans, peer, {}, &PeerSpan::last)->rulings;
}

std::vector<SideRulings::PeerRules> SideRulings::BySubject(const RuleTable& table,
                                                           Direction direction,
                                                           const Universe& universe) {
  std::vector<PeerRules> rules(universe.classes().size());
  for (const FlatRule& rule : table.rules) {
    if (rule.direction != direction || (rule.conditional && rule.action != Action::kAllow))
      continue;
    const ClassInterval& subjects = rule.subject();
    const PeerRule made{.peer = rule.peer(),
                        .tier = rule.tier,
                        .action = rule.action,
                        .ports = {rule.protocol, rule.port_first, rule.port_last},
                        .source = rule.source};
    const size_t end = std::min<size_t>(subjects.last + size_t{1}, rules.size());
    for (size_t id = subjects.first; id < end; ++id) {
      if (universe.local().Contains(static_cast<ClassId>(id))) rules[id].push_back(made);
    }
  }
  return rules;
}

// acl/classifier.h's Decide, without categories.
Ruling SideRulings::RulingAt(const PeerRules& rules, int16_t protocol, uint16_t port) {
  for (const Tier tier : {Tier::kAdmin, Tier::kNetworkPolicy, Tier::kBaseline}) {
    const auto hit = std::ranges::find_if(rules, [&](const PeerRule& rule) {
      const PortRange& ports = rule.ports;
      return rule.tier == tier && (ports.protocol == kAnyProtocol || ports.protocol == protocol) &&
             ports.first <= port && port <= ports.last;
    });
    if (hit == rules.end() || hit->action == Action::kPass) continue;
    return {.allow = hit->action == Action::kAllow, .tier = tier, .source = hit->source + 1};
  }
  return {};
}

std::vector<PortRulings> SideRulings::RulingsOf(const BothRules& rules, int16_t protocol) {
  std::set<uint32_t> edges = {0, 0x10000};
  for (const PeerRules* of : {&rules.first, &rules.second}) {
    for (const PeerRule& rule : *of) {
      if (rule.ports.protocol != protocol) continue;
      edges.insert({rule.ports.first, rule.ports.last + uint32_t{1}});
    }
  }
  std::vector<PortRulings> result;
  for (auto edge = edges.begin(); std::next(edge) != edges.end(); ++edge) {
    const auto first = static_cast<uint16_t>(*edge);
    const auto last = static_cast<uint16_t>(*std::next(edge) - 1);
    const Ruling before = RulingAt(rules.first, protocol, first);
    const Ruling after = RulingAt(rules.second, protocol, first);
    if (!result.empty() && result.back().before == before && result.back().after == after) {
      result.back().last = last;
    } else {
      result.push_back({first, last, before, after});
    }
  }
  return result;
}

Rulings SideRulings::RulingsFor(const BothRules& rules, ClassId peer) {
  BothRules matching;
  std::set<int16_t> protocols = {kAnyProtocol};
  const auto filter = [&](const PeerRules& from, PeerRules& to) {
    for (const PeerRule& rule : from) {
      if (!rule.peer.Contains(peer)) continue;
      to.push_back(rule);
      protocols.insert(rule.ports.protocol);
    }
  };
  filter(rules.first, matching.first);
  filter(rules.second, matching.second);
  Rulings rulings;
  for (const int16_t protocol : protocols) rulings[protocol] = RulingsOf(matching, protocol);
  const std::vector<PortRulings> others = rulings.at(kAnyProtocol);
  std::erase_if(rulings, [&](const auto& entry) {
    return entry.first != kAnyProtocol && entry.second == others;
  });
  return rulings;
}

uint32_t SideRulings::Number(Rulings rulings) {
  const auto [number, added] =
      numbers_.try_emplace(std::move(rulings), static_cast<uint32_t>(all_.size()));
  if (added) all_.push_back(number->first);
  return number->second;
}

SideRulings::Group SideRulings::MakeGroup(const BothRules& rules) {
  std::set<uint32_t> edges = {0, kMaxClass + uint32_t{1}};
  for (const PeerRules* of : {&rules.first, &rules.second}) {
    for (const PeerRule& rule : *of) {
      edges.insert({rule.peer.first, rule.peer.last + uint32_t{1}});
    }
  }
  Group group;
  for (auto edge = edges.begin(); std::next(edge) != edges.end(); ++edge) {
    const uint32_t number = Number(RulingsFor(rules, static_cast<ClassId>(*edge)));
    group.spans.push_back({static_cast<ClassId>(*std::next(edge) - 1), number});
    for (const auto& [protocol, ports] : all_[number]) {
      for (const PortRulings& range : ports) {
        group.may_flip = group.may_flip || range.before.allow != range.after.allow;
      }
    }
  }
  return group;
}

}  // namespace sluice::acl
