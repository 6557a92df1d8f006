// Universe::Place against a build from scratch: an endpoint that changes belongs where a universe
// made for the cluster as it is now would put it, or Place says that it cannot tell.
//
// Class numbers of two universes mean different things; what holds of their members, as text, does
// not. Seeds: 1 to kSeeds, and SLUICE_SEED.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "acl/compiler.h"
#include "acl/universe.h"
#include "tests/differential/random_cluster.h"

namespace sluice::acl {
namespace {

constexpr uint64_t kSeeds = 300;
constexpr int kChanges = 20;  // for each cluster

// What holds of the members of a class.
using Meaning = std::vector<std::string>;

struct Placed {
  Meaning v4, v6;  // as a subject
  std::vector<std::pair<IpAddress, Meaning>> addresses;
  bool operator==(const Placed&) const = default;
};

Placed MeaningOf(const Universe& universe, const Member& member) {
  const auto meanings = universe.Describe();
  Placed placed{meanings[member.subject.v4], meanings[member.subject.v6], {}};
  for (const auto& [address, id] : member.addresses) {
    placed.addresses.emplace_back(address, meanings[id]);
  }
  return placed;
}

bool IsLocal(const PolicyInput& input, const Endpoint& endpoint) {
  return input.all_local || input.local.contains({endpoint.namespace_name, endpoint.name});
}

bool IsSomebody(const Endpoint& endpoint) {
  return !endpoint.host_network && !endpoint.addresses.empty();
}

// `endpoint` with some of what another one has: known labels and ports more often than new ones.
Endpoint Changed(RandomSource& random, Endpoint endpoint, const PolicyInput& input) {
  const Endpoint& other = random.Pick(input.endpoints);
  if (random.Chance(50)) endpoint.labels = other.labels;
  if (random.Chance(50)) endpoint.named_ports = other.named_ports;
  if (random.Chance(40)) {
    endpoint.addresses = other.addresses;
    endpoint.host_network = other.host_network;
  }
  if (random.Chance(30)) {
    endpoint.node = other.node;
    endpoint.node_addresses = other.node_addresses;
  }
  if (random.Chance(10)) endpoint.named_ports.push_back({"http", "TCP", 4711});
  if (random.Chance(10)) endpoint.addresses = {*IpAddress::Parse("10.0.1.77")};
  return endpoint;
}

// Why Place may say that it cannot tell; "" if it has to know.
std::string Excuse(const Universe& before, const PolicyInput& input, const Universe& after,
                   const Population& population, const Endpoint& endpoint) {
  for (const IpAddress& address : endpoint.node_addresses) {
    const auto has = [&](const auto& of) { return std::ranges::count(of, address) > 0; };
    const bool listed =
        std::ranges::any_of(input.nodes, [&](const Node& n) { return n.name == endpoint.node; });
    const bool known =
        std::ranges::any_of(input.nodes, [&](const Node& n) { return has(n.addresses); }) ||
        std::ranges::any_of(input.endpoints, [&](const Endpoint& e) {
          const bool of_node =
              std::ranges::any_of(input.nodes, [&](const Node& n) { return n.name == e.node; });
          return !of_node && has(e.node_addresses);
        });
    if (!listed && !known) return "a node address of its own";
  }
  if (!IsSomebody(endpoint)) return "";
  for (const PortFact& fact : FactsOf(endpoint)) {
    if (after.predicates().Find(fact) && !before.predicates().Find(fact)) return "a new port";
  }
  const Member* member = population.Find({endpoint.namespace_name, endpoint.name});
  const Placed placed = MeaningOf(after, *member);
  const auto meanings = before.Describe();
  std::vector<Meaning> all = {placed.v4, placed.v6};
  for (const auto& [address, meaning] : placed.addresses) all.push_back(meaning);
  const Meaning without = after.Describe()[*after.classes().Find([&] {
    Signature own = after.classes().signature(member->subject.v4);
    std::erase_if(own, [&](PredicateId id) {
      const Predicate& predicate = after.predicates().all()[id];
      return std::holds_alternative<Cidr>(predicate) ||
             std::holds_alternative<NodePredicate>(predicate);
    });
    return own;
  }())];
  all.push_back(without);
  for (const Meaning& meaning : all) {
    if (std::ranges::count(meanings, meaning) == 0) return "a class of its own";
  }
  return "";
}

// Whether there are rules for whom `placed` is in `before`.
bool IsJudged(const Universe& before, const Placed& placed) {
  const auto meanings = before.Describe();
  return std::ranges::all_of(std::array{placed.v4, placed.v6}, [&](const Meaning& meaning) {
    const auto id = static_cast<ClassId>(std::ranges::find(meanings, meaning) - meanings.begin());
    return before.local().Contains(id);
  });
}

struct Counts {
  unsigned placed = 0, unknown = 0, nobody = 0, unjudged = 0;
};

void ChangeOne(RandomSource& random, const PolicyInput& input, Universe& universe, Counts& counts) {
  const size_t which = random.Below(input.endpoints.size());
  const Endpoint endpoint = Changed(random, input.endpoints[which], input);
  PolicyInput now = input;
  now.endpoints[which] = endpoint;
  auto fresh = CompileParts(now);
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  const bool local = IsLocal(input, endpoint);
  const auto placement = universe.Place(endpoint, local);
  const std::string excuse = Excuse(universe, input, *fresh->universe, fresh->population, endpoint);
  EXPECT_EQ(!placement, !excuse.empty())
      << (placement ? "placed in spite of " + excuse : "not placed");
  if (!placement) {
    ++counts.unknown;
    return;
  }
  const Population::Change* change = &placement->change;
  EXPECT_EQ(change->name, MemberName(endpoint.namespace_name, endpoint.name));
  const Member* expected = fresh->population.Find(change->name);
  ASSERT_EQ(change->member.has_value(), expected != nullptr);
  if (expected == nullptr) {
    ++counts.nobody;
    return;
  }
  ++counts.placed;
  EXPECT_EQ(change->member->owner, expected->owner);
  const Placed placed = MeaningOf(*fresh->universe, *expected);
  EXPECT_EQ(MeaningOf(universe, *change->member), placed);
  EXPECT_EQ(placement->judged, !local || IsJudged(universe, placed));
  if (!placement->judged) ++counts.unjudged;
}

TEST(Place, IsWhereABuildFromScratchPutsIt) {
  Counts counts;
  for (const uint64_t seed : Seeds(kSeeds)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomSource random(seed);
    const PolicyInput input = RandomCluster(seed, kCompiledKinds).Make();
    auto parts = CompileParts(input);
    ASSERT_TRUE(parts.ok()) << parts.status();
    for (int i = 0; i < kChanges; ++i) {
      SCOPED_TRACE("change " + std::to_string(i));
      ChangeOne(random, input, *parts->universe, counts);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(counts.placed, kSeeds);
  EXPECT_GT(counts.unknown, kSeeds);
  EXPECT_GT(counts.nobody, kSeeds / 10);
  EXPECT_GT(counts.unjudged, kSeeds / 10);
}

}  // namespace
}  // namespace sluice::acl
