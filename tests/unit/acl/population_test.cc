// Who is where depends on who is in the population, not on the order in which they came.
#include "acl/population.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "tests/differential/random_source.h"

namespace sluice::acl {
namespace {

using Changes = std::vector<Population::Change>;
using World = std::map<MemberName, Member>;

IpAddress Ip(const std::string& text) { return *IpAddress::Parse(text); }
MemberName Name(const std::string& name) { return {"n", name}; }

Population::Change Comes(const std::string& name, Owner owner,
                         std::vector<std::pair<std::string, ClassId>> addresses) {
  Member member{.owner = owner, .subject = {}, .addresses = {}};
  for (const auto& [address, id] : addresses) member.addresses.emplace_back(Ip(address), id);
  return {Name(name), member};
}
Population::Change Goes(const std::string& name) { return {Name(name), std::nullopt}; }

Population With(const Changes& changes) {
  Population population;
  population.SetPrefixes(std::vector<std::pair<Cidr, ClassId>>{{*Cidr::Parse("0.0.0.0/0"), 1},
                                                               {*Cidr::Parse("::/0"), 2}});
  population.Apply(changes);
  return population;
}

constexpr const char* kAddresses[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3",
                                      "fd00::1",  "fd00::2",  "10.0.0.4"};

// What population.h says of an address, by asking everyone.
ClassId Expected(const World& world, const IpAddress& address) {
  std::map<Owner, std::vector<ClassId>> claims;
  for (const auto& [name, member] : world) {
    for (const auto& [claimed, id] : member.addresses) {
      if (claimed == address) claims[member.owner].push_back(id);
    }
  }
  if (claims.empty()) return address.family == Family::kIpv4 ? 1 : 2;
  const std::vector<ClassId>& best = claims.rbegin()->second;
  const bool agreed = std::ranges::count(best, best[0]) == std::ssize(best);
  return agreed ? best[0] : kUnknownClass;
}

// Few names, addresses and classes, so that members change often and meet.
Population::Change AnyChange(RandomSource& random, unsigned number) {
  Population::Change change{.name = Name("m" + std::to_string(number)), .member = {}};
  if (random.Chance(30)) return change;
  Member member{.owner = static_cast<Owner>(random.Below(3)), .subject = {}, .addresses = {}};
  const auto id = [&] { return static_cast<ClassId>(5 + random.Below(2)); };
  member.subject = {id(), id()};
  for (size_t i = random.Below(4); i > 0; --i) {
    const IpAddress address = Ip(random.Pick(kAddresses));
    const bool listed = std::ranges::any_of(
        member.addresses, [&](const auto& entry) { return entry.first == address; });
    if (!listed) member.addresses.emplace_back(address, id());
  }
  change.member = member;
  return change;
}

// A request has each name once.
Changes AnyBatch(RandomSource& random) {
  Changes batch;
  for (unsigned number = 0; number < 8; ++number) {
    if (random.Chance(30)) batch.push_back(AnyChange(random, number));
  }
  return batch;
}

void ExpectIs(const Population& population, const World& world) {
  for (unsigned number = 0; number < 8; ++number) {
    const MemberName name = Name("m" + std::to_string(number));
    const Member* member = population.Find(name);
    ASSERT_EQ(member != nullptr, world.contains(name));
    if (member != nullptr) {
      EXPECT_EQ(*member, world.at(name));
    }
  }
  for (const char* address : kAddresses) {
    EXPECT_EQ(population.addresses().Lookup(Ip(address)), Expected(world, Ip(address))) << address;
  }
}

TEST(Population, IsWhoIsInItWhateverTheWayThere) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomSource random(seed);
    Population population = With({});
    World world;
    for (int step = 0; step < 40; ++step) {
      const Changes batch = AnyBatch(random);
      for (const Population::Change& change : batch) {
        if (change.member) {
          world[change.name] = *change.member;
        } else {
          world.erase(change.name);
        }
      }
      if (random.Chance(30)) population.Freeze();
      const Population before = population;
      population.Apply(batch);
      ExpectIs(population, world);
      if (random.Chance(20)) population = Population(before), population.Apply(batch);
    }
    Changes end;
    for (const auto& [name, member] : world) end.push_back({name, member});
    std::mt19937_64 order(seed);
    std::shuffle(end.begin(), end.end(), order);
    EXPECT_TRUE(With(end).addresses() == population.addresses()) << "as made at once";
  }
}

TEST(Population, ACopyIsNotTouchedByWhatComesAfterIt) {
  Population population = With({Comes("a", Owner::kRemote, {{"10.0.0.1", 5}})});
  population.Freeze();
  const Population copy = population;
  population.Apply(Changes{Goes("a"), Comes("b", Owner::kLocal, {{"10.0.0.1", 6}})});
  EXPECT_EQ(copy.addresses().Lookup(Ip("10.0.0.1")), 5);
  EXPECT_NE(copy.Find(Name("a")), nullptr);
  EXPECT_EQ(copy.Find(Name("b")), nullptr);
  EXPECT_EQ(population.addresses().Lookup(Ip("10.0.0.1")), 6);
}

TEST(Population, ALocalOwnerTakesAnAddressAndGivesItBack) {
  Population population = With({Comes("remote", Owner::kRemote, {{"10.0.0.1", 5}}),
                                Comes("node", Owner::kNode, {{"10.0.0.1", 6}})});
  const auto at = [&] { return population.addresses().Lookup(Ip("10.0.0.1")); };
  EXPECT_EQ(at(), 5);
  population.Apply(Changes{Comes("local", Owner::kLocal, {{"10.0.0.1", 7}})});
  EXPECT_EQ(at(), 7);
  population.Apply(Changes{Goes("remote")});
  EXPECT_EQ(at(), 7);
  population.Apply(Changes{Goes("local")});
  EXPECT_EQ(at(), 6);
  population.Apply(Changes{Goes("node")});
  EXPECT_EQ(at(), 1) << "what its prefix says";
}

TEST(Population, EqualsThatDifferMakeAnAddressUnknownUntilOneGoes) {
  Population population = With({Comes("a", Owner::kRemote, {{"10.0.0.1", 5}}),
                                Comes("b", Owner::kRemote, {{"10.0.0.1", 6}})});
  const auto at = [&] { return population.addresses().Lookup(Ip("10.0.0.1")); };
  EXPECT_EQ(at(), kUnknownClass);
  population.Apply(Changes{Comes("c", Owner::kNode, {{"10.0.0.1", 5}})});
  EXPECT_EQ(at(), kUnknownClass) << "a lesser claim settles nothing";
  population.Apply(Changes{Comes("b", Owner::kRemote, {{"10.0.0.1", 5}})});
  EXPECT_EQ(at(), 5);
  population.Apply(Changes{Goes("a"), Goes("b")});
  EXPECT_EQ(at(), 5) << "the node's";
}

TEST(Population, OneThatMovesLeavesNothingBehind) {
  Population population = With({Comes("a", Owner::kLocal, {{"10.0.0.1", 5}, {"fd00::1", 6}})});
  population.Apply(Changes{Comes("a", Owner::kLocal, {{"10.0.0.2", 5}})});
  EXPECT_EQ(population.addresses().Lookup(Ip("10.0.0.1")), 1);
  EXPECT_EQ(population.addresses().Lookup(Ip("fd00::1")), 2);
  EXPECT_EQ(population.addresses().Lookup(Ip("10.0.0.2")), 5);
  population.Apply(Changes{Goes("nobody")});
  EXPECT_TRUE(population.addresses() ==
              With({Comes("b", Owner::kNode, {{"10.0.0.2", 5}})}).addresses());
}

// Sources other than our own readers may say an address twice.
TEST(Population, AnAddressThatAMemberListsTwiceIsGivenBackOnce) {
  Population population = With({Comes("a", Owner::kLocal, {{"10.0.0.1", 5}, {"10.0.0.1", 5}})});
  EXPECT_EQ(population.addresses().Lookup(Ip("10.0.0.1")), 5);
  population.Apply(Changes{Comes("a", Owner::kLocal, {{"10.0.0.1", 6}, {"10.0.0.1", 6}})});
  EXPECT_EQ(population.addresses().Lookup(Ip("10.0.0.1")), 6);
  population.Apply(Changes{Goes("a")});
  EXPECT_EQ(population.addresses().Lookup(Ip("10.0.0.1")), 1);
}

}  // namespace
}  // namespace sluice::acl
