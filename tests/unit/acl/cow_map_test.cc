// A CowMap is a std::map that is cheap to copy: random operations on several of each, in step.
#include "acl/cow_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/differential/random_source.h"

namespace sluice::acl {
namespace {

using Map = CowMap<int, std::string>;
using Model = std::map<int, std::string>;

struct Twin {
  Map map;
  Model model;
};

// Sees the same entries, in the same order, by iterator and by key.
void ExpectSame(const Twin& twin, int keys) {
  ASSERT_EQ(twin.map.size(), twin.model.size());
  EXPECT_EQ(twin.map.empty(), twin.model.empty());
  auto expected = twin.model.begin();
  for (const auto& [key, value] : twin.map) {
    ASSERT_NE(expected, twin.model.end());
    EXPECT_EQ(key, expected->first);
    EXPECT_EQ(value, expected->second);
    ++expected;
  }
  EXPECT_EQ(expected, twin.model.end());
  for (int key = -1; key <= keys; ++key) {
    const bool known = twin.model.contains(key);
    ASSERT_EQ(twin.map.contains(key), known) << key;
    const auto found = twin.map.find(key);
    ASSERT_EQ(found == twin.map.end(), !known) << key;
    if (!known) continue;
    EXPECT_EQ(found->first, key);
    EXPECT_EQ(found->second, twin.model.at(key));
    EXPECT_EQ(twin.map.at(key), twin.model.at(key));
  }
}

void Change(RandomSource& random, int keys, Twin& twin) {
  const int key = static_cast<int>(random.Below(static_cast<size_t>(keys)));
  if (random.Chance(45)) {
    EXPECT_EQ(twin.map.erase(key), twin.model.erase(key));
  } else {
    const std::string value = "value " + std::to_string(random.Below(5));
    twin.map.insert_or_assign(key, value);
    twin.model.insert_or_assign(key, value);
  }
}

// A stretch of keys in one go, up or down: what fills, splits and empties whole chunks.
void Sweep(RandomSource& random, int keys, Twin& twin) {
  const bool insert = random.Chance(60);
  const bool up = random.Chance(50);
  const int count = static_cast<int>(random.Below(200));
  const int from = static_cast<int>(random.Below(static_cast<size_t>(keys)));
  for (int i = 0; i < count; ++i) {
    const int key = up ? from + i : from - i;
    if (key < 0 || key >= keys) return;
    if (insert) {
      twin.map.insert_or_assign(key, "swept");
      twin.model.insert_or_assign(key, "swept");
    } else {
      EXPECT_EQ(twin.map.erase(key), twin.model.erase(key));
    }
  }
}

void Step(RandomSource& random, int keys, std::vector<Twin>& twins) {
  Twin& twin = twins[random.Below(twins.size())];
  Twin& other = twins[random.Below(twins.size())];
  const size_t what = random.Below(100);
  if (what < 4) {
    other = twin;  // perhaps itself
  } else if (what < 8) {
    twin.map.Freeze();
  } else if (what < 10) {
    twin.map.Freeze();
    other = twin;
  } else if (what < 12) {
    Twin moved = std::move(twin);
    twin = {};
    other = std::move(moved);
  } else if (what < 20) {
    Sweep(random, keys, twin);
  } else {
    Change(random, keys, twin);
  }
}

TEST(CowMap, IsAMapWhateverIsCopiedAndFrozen) {
  constexpr int kKeys = 500;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomSource random(seed);
    std::vector<Twin> twins(4);
    for (int step = 0; step < 2000; ++step) {
      Step(random, kKeys, twins);
      if (step % 50 != 0) continue;
      for (const Twin& a : twins) {
        ExpectSame(a, kKeys);
        for (const Twin& b : twins) EXPECT_EQ(a.map == b.map, a.model == b.model);
      }
      if (HasFatalFailure()) return;
    }
  }
}

TEST(CowMap, TheOrderOfInsertionsMakesNoDifference) {
  Map up, down;
  for (int key = 0; key < 300; ++key) up.insert_or_assign(key, "v");
  for (int key = 299; key >= 0; --key) down.insert_or_assign(key, "v");
  EXPECT_TRUE(up == down);
  down.insert_or_assign(150, "w");
  EXPECT_FALSE(up == down);
}

// What other threads read stays where it is: neither map's writes touch what the other one sees.
TEST(CowMap, AnEntryOfAFrozenMapStaysWhereItIsUnderTheWritesOfItsCopies) {
  Map map;
  for (int key = 0; key < 200; ++key) map.insert_or_assign(key, "old");
  map.Freeze();
  const Map frozen = map;
  const std::string* const entry = &frozen.at(77);
  EXPECT_EQ(entry, &map.at(77)) << "copies of a frozen map share";
  map.insert_or_assign(77, "new");
  map.erase(78);
  EXPECT_EQ(entry, &frozen.at(77));
  EXPECT_EQ(*entry, "old");
  EXPECT_EQ(frozen.size(), 200u);
  EXPECT_EQ(map.at(77), "new");
  EXPECT_EQ(&frozen.at(199), &map.at(199)) << "a write copies one chunk, not all";
}

TEST(CowMap, ACopyOfAMapThatIsNotFrozenSharesNothingThatIsWrittenInPlace) {
  Map map;
  for (int key = 0; key < 200; ++key) map.insert_or_assign(key, "old");
  const Map copy = map;
  for (int key = 0; key < 200; ++key) {
    EXPECT_NE(&copy.at(key), &map.at(key));
    map.insert_or_assign(key, "new");
    EXPECT_EQ(copy.at(key), "old");
  }
}

TEST(CowMap, AnEmptyOneHasNothingToFindOrErase) {
  Map map;
  EXPECT_EQ(map.begin(), map.end());
  EXPECT_EQ(map.find(1), map.end());
  EXPECT_EQ(map.erase(1), 0u);
  map.insert_or_assign(1, "one");
  EXPECT_EQ(map.erase(1), 1u);
  EXPECT_EQ(map.begin(), map.end());
  EXPECT_TRUE(map == Map());
}

}  // namespace
}  // namespace sluice::acl
