#include "acl/policy_diff.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "acl/compiler.h"
#include "acl/flatten.h"
#include "acl/lowering.h"

namespace sluice::acl {
namespace {

// Who is in each class: between which of them there can be a connection.
class Occupants {
 public:
  Occupants(const PolicyInput& input, const Universe& universe, const Population& population)
      : addresses_(population.addresses()), classes_(universe.classes().size()) {
    for (const Endpoint& endpoint : input.endpoints) {
      const Member* member = population.Find({endpoint.namespace_name, endpoint.name});
      if (member == nullptr) continue;
      for (const auto& [address, id] : member->addresses) {
        // A pod is a subject of its class even where another claims its address.
        Add(id, address, &endpoint);
        Add(addresses_.Lookup(address), address, &endpoint);
      }
    }
    for (const Node& node : input.nodes) AddNode(node.addresses);
    for (const Endpoint& endpoint : input.endpoints) AddNode(endpoint.node_addresses);
    for (const auto& [block, id] : universe.blocks()) Add(id, block.base, nullptr);
  }

  // A pod is always let to itself.
  bool Meet(ClassId a, ClassId b) const {
    if (a == b && classes_[a].sole_pod != nullptr) return false;
    return (classes_[a].families & classes_[b].families) != 0;
  }

 private:
  struct Class {
    uint8_t families = 0;  // as bits; 0: nobody
    const Endpoint* sole_pod = nullptr;
  };

  void AddNode(const std::vector<IpAddress>& addresses) {
    for (const IpAddress& address : addresses) Add(addresses_.Lookup(address), address, nullptr);
  }

  void Add(ClassId id, const IpAddress& address, const Endpoint* pod) {
    Class& of = classes_[id];
    const bool alone = of.families == 0 || of.sole_pod == pod;
    of.sole_pod = alone ? pod : nullptr;
    of.families |= address.family == Family::kIpv4 ? 1 : 2;
  }

  const AddressMap& addresses_;
  std::vector<Class> classes_;
};

const std::vector<PortRulings>& Of(const Rulings& side, int16_t protocol) {
  const auto own = side.find(protocol);
  return own == side.end() ? side.at(kAnyProtocol) : own->second;
}

// Adds it unless it is none, as part of the last one where it goes on.
void Add(const Flip& flip, std::vector<Flip>& flips) {
  if (flip.before.allow() == flip.after.allow()) return;
  const bool goes_on = !flips.empty() && flips.back().port_last + 1 == flip.port_first &&
                       flips.back().before == flip.before && flips.back().after == flip.after;
  if (goes_on) {
    flips.back().port_last = flip.port_last;
  } else {
    flips.push_back(flip);
  }
}

// What flips of one protocol when two sides come together; the flips do not say which.
std::vector<Flip> FlipsOf(const Rulings& egress, const Rulings& ingress, int16_t protocol) {
  std::vector<Flip> flips;
  auto out = Of(egress, protocol).begin();
  auto in = Of(ingress, protocol).begin();
  for (uint32_t first = 0; first <= 0xffff;) {
    const uint16_t last = std::min(out->last, in->last);
    Add({.port_first = static_cast<uint16_t>(first),
         .port_last = last,
         .before = {out->before, in->before},
         .after = {out->after, in->after}},
        flips);
    if (out->last == last) ++out;
    if (in->last == last) ++in;
    first = last + uint32_t{1};
  }
  return flips;
}

// By protocol. One that is as all others is not told apart, whether rules name it or not.
std::vector<Flip> FlipsOf(const Rulings& egress, const Rulings& ingress) {
  std::set<int16_t> named;
  for (const Rulings* side : {&egress, &ingress}) {
    for (const auto& [protocol, ports] : *side) named.insert(protocol);
  }
  named.erase(kAnyProtocol);
  std::vector<Flip> others = FlipsOf(egress, ingress, kAnyProtocol);
  std::vector<uint8_t> but;
  std::vector<Flip> flips;
  for (const int16_t protocol : named) {
    std::vector<Flip> own = FlipsOf(egress, ingress, protocol);
    if (own == others) continue;
    but.push_back(static_cast<uint8_t>(protocol));
    for (Flip& flip : own) flip.protocol = protocol;
    std::ranges::move(own, std::back_inserter(flips));
  }
  for (Flip& flip : others) flip.but = but;
  std::ranges::move(others, std::back_inserter(flips));
  return flips;
}

class Comparison {
 public:
  Comparison(const PolicyInput& input, size_t most, PolicyDiff& diff)
      : diff_(diff),
        most_(most),
        occupants_(input, *diff.universe, diff.population),
        egress_(diff.before, diff.after, Direction::kEgress, *diff.universe),
        ingress_(diff.before, diff.after, Direction::kIngress, *diff.universe) {}

  void Run() {
    const size_t classes = diff_.universe->classes().size();
    for (size_t from = 0; from < classes; ++from) {
      for (size_t to = 0; to < classes; ++to) {
        Compare(static_cast<ClassId>(from), static_cast<ClassId>(to));
      }
    }
  }

 private:
  void Compare(ClassId from, ClassId to) {
    if (!egress_.MayFlip(from) && !ingress_.MayFlip(to)) return;
    if (!occupants_.Meet(from, to)) return;
    const std::vector<Flip>& flips = Known(egress_.Find(from, to), ingress_.Find(to, from));
    diff_.count += flips.size();
    diff_.pairs += flips.empty() ? 0 : 1;
    for (const Flip& flip : flips) {
      if (diff_.flips.size() >= most_) return;
      diff_.flips.push_back(flip);
      diff_.flips.back().from = from;
      diff_.flips.back().to = to;
    }
  }

  // By the numbers of both sides' rulings: the answers repeat from pair to pair.
  const std::vector<Flip>& Known(uint32_t egress, uint32_t ingress) {
    const auto [known, added] = known_.try_emplace(std::pair(egress, ingress));
    if (added) known->second = FlipsOf(egress_.all()[egress], ingress_.all()[ingress]);
    return known->second;
  }

  PolicyDiff& diff_;
  const size_t most_;
  const Occupants occupants_;
  const SideRulings egress_, ingress_;
  absl::flat_hash_map<std::pair<uint32_t, uint32_t>, std::vector<Flip>> known_;
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
  auto universe = Universe::Build(after, both, &diff.population);
  if (!universe.ok()) return universe.status();
  diff.universe = *std::move(universe);
  auto old_table = Flatten(old_policies, *diff.universe, diff.universe->local());
  if (!old_table.ok()) return old_table.status();
  auto new_table = Flatten(new_policies, *diff.universe, diff.universe->local());
  if (!new_table.ok()) return new_table.status();
  diff.before = *std::move(old_table);
  diff.after = *std::move(new_table);
  Comparison(after, most, diff).Run();
  return diff;
}

}  // namespace sluice::acl
