// Address -> class: against a plain list of exact entries and blocks.
#include "acl/address_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/differential/random_source.h"

namespace sluice::acl {
namespace {

IpAddress Ip(const std::string& text) { return *IpAddress::Parse(text); }
Cidr Block(const std::string& text) { return *Cidr::Parse(text); }

struct Model {
  std::map<IpAddress, ClassId> exact;
  std::map<Cidr, ClassId> prefixes;

  ClassId Lookup(const IpAddress& address) const {
    const auto known = exact.find(address);
    if (known != exact.end()) return known->second;
    int longest = -1;
    ClassId id = kUnknownClass;
    for (const auto& [block, of_block] : prefixes) {
      if (!block.Contains(address) || block.prefix_len <= longest) continue;
      longest = block.prefix_len;
      id = of_block;
    }
    return id;
  }
};

const std::vector<std::pair<Cidr, ClassId>>& Blocks() {
  static const std::vector<std::pair<Cidr, ClassId>> blocks = {
      {Block("0.0.0.0/0"), 1},   {Block("10.0.0.0/8"), 2}, {Block("10.0.0.0/24"), 3},
      {Block("10.0.0.7/32"), 4}, {Block("::/0"), 5},       {Block("fd00::/8"), 6},
      {Block("fd00::/120"), 7},  {Block("fd00::7/128"), 8}};
  return blocks;
}

// Many addresses, so that shards have several and few, inside the blocks and out.
IpAddress AnyAddress(RandomSource& random) {
  const std::string low = std::to_string(random.Below(200));
  switch (random.Below(4)) {
    case 0:
      return Ip("10.0.0." + low);
    case 1:
      return Ip("10." + low + ".0.1");
    case 2:
      return Ip("192.0.2." + low);
    default:
      return Ip("fd00::" + low);
  }
}

AddressMap::Change AnyChange(RandomSource& random) {
  AddressMap::Change change{AnyAddress(random), std::nullopt};
  if (!random.Chance(35)) change.id = static_cast<ClassId>(10 + random.Below(20));
  return change;
}

void Note(const AddressMap::Change& change, Model& model) {
  if (change.id) {
    model.exact[change.address] = *change.id;
  } else {
    model.exact.erase(change.address);
  }
}

void ExpectSame(RandomSource& random, const AddressMap& map, const Model& model) {
  for (const auto& [address, id] : model.exact) EXPECT_EQ(map.Lookup(address), id);
  for (int i = 0; i < 200; ++i) {
    const IpAddress address = AnyAddress(random);
    EXPECT_EQ(map.Lookup(address), model.Lookup(address)) << address.ToString();
  }
  std::vector<size_t> counts(40);
  for (const auto& [address, id] : model.exact) ++counts[id];
  EXPECT_EQ(map.CountExact(counts.size()), counts);
}

TEST(AddressMap, SaysWhatAListOfItsChangesSays) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomSource random(seed);
    AddressMap map, copy;
    map.SetPrefixes(Blocks());
    Model model{.exact = {}, .prefixes = {Blocks().begin(), Blocks().end()}};
    Model model_of_copy;
    for (int batch = 0; batch < 40; ++batch) {
      std::vector<AddressMap::Change> changes;
      for (size_t i = random.Below(30); i > 0; --i) {
        changes.push_back(AnyChange(random));  // of one address several times, too
        Note(changes.back(), model);
      }
      map.Apply(changes);
      if (batch == 20) copy = map, model_of_copy = model;
    }
    ExpectSame(random, map, model);
    ExpectSame(random, copy, model_of_copy);
  }
}

TEST(AddressMap, EqualContentIsEqualWhateverTheWayThere) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomSource random(seed);
    AddressMap by_way, straight;
    by_way.SetPrefixes(Blocks());
    for (auto block = Blocks().rbegin(); block != Blocks().rend(); ++block) {
      straight.SetPrefix(block->first, block->second);
    }
    Model model;
    for (int i = 0; i < 300; ++i) {
      const AddressMap::Change change = AnyChange(random);
      by_way.Apply({&change, 1});
      Note(change, model);
    }
    for (const auto& [address, id] : model.exact) straight.SetExact(address, id);
    EXPECT_TRUE(by_way == straight);
    straight.SetExact(Ip("203.0.113.1"), 9);
    EXPECT_FALSE(by_way == straight);
    const AddressMap::Change back{Ip("203.0.113.1"), std::nullopt};
    straight.Apply({&back, 1});
    EXPECT_TRUE(by_way == straight) << "a shard that was emptied is as one that never was";
  }
}

TEST(AddressMap, TheLastOfSeveralChangesOfOneAddressWins) {
  AddressMap map;
  map.SetPrefixes(Blocks());
  const std::vector<AddressMap::Change> there = {
      {Ip("10.0.0.1"), 11}, {Ip("10.0.0.1"), std::nullopt}, {Ip("10.0.0.1"), 12}};
  map.Apply(there);
  EXPECT_EQ(map.Lookup(Ip("10.0.0.1")), 12);
  const std::vector<AddressMap::Change> gone = {{Ip("10.0.0.1"), 11},
                                                {Ip("10.0.0.1"), std::nullopt}};
  map.Apply(gone);
  EXPECT_EQ(map.Lookup(Ip("10.0.0.1")), 3) << "what its block says again";
}

TEST(AddressMap, ABlockThatIsSetAgainHasItsNewClass) {
  AddressMap map;
  map.SetPrefixes(Blocks());
  map.SetPrefix(Block("10.0.0.0/24"), 33);
  EXPECT_EQ(map.Lookup(Ip("10.0.0.1")), 33);
  EXPECT_EQ(map.Lookup(Ip("10.0.0.7")), 4);
}

}  // namespace
}  // namespace sluice::acl
