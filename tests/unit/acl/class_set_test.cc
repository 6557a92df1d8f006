#include "acl/class_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace sluice::acl {
namespace {

ClassSet Of(const std::set<ClassId>& ids) {
  ClassSet set;
  for (const ClassId id : ids) set.Append(id);
  return set;
}

TEST(ClassSet, NeighboursBecomeOneInterval) {
  const ClassSet set = Of({1, 2, 3, 7, 9, 10});
  const std::vector<ClassInterval> expected = {{1, 3}, {7, 7}, {9, 10}};
  EXPECT_EQ(std::vector<ClassInterval>(set.intervals().begin(), set.intervals().end()), expected);
}

TEST(ClassSet, TheHighestClassDoesNotWrapAround) {
  const ClassSet top = ClassSet({kMaxClass, kMaxClass});
  const ClassSet all = ClassSet({0, kMaxClass});
  EXPECT_EQ(all.Minus(top), ClassSet({0, kMaxClass - 1}));
  EXPECT_EQ(ClassSet({0, kMaxClass - 1}).Union(top), all);
  EXPECT_TRUE(all.Minus(all).empty());
}

TEST(ClassSet, TouchingKeepsWholeIntervals) {
  const ClassSet set = Of({1, 2, 3, 10, 11, 20});
  EXPECT_EQ(set.Touching(Of({3, 15, 20})), Of({1, 2, 3, 20}));
  EXPECT_TRUE(set.Touching(Of({4, 9, 12})).empty());
}

// The naive twin: std::set.
TEST(ClassSet, OperationsAgreeWithSetsOfNumbers) {
  std::mt19937 random(20240601);
  for (int round = 0; round < 500; ++round) {
    std::set<ClassId> a, b;
    for (int i = 0; i < 20; ++i) {
      a.insert(static_cast<ClassId>(random() % 40));
      b.insert(static_cast<ClassId>(random() % 40));
    }
    std::set<ClassId> both, either = a, only_a;
    either.insert(b.begin(), b.end());
    for (const ClassId id : a) (b.count(id) != 0 ? both : only_a).insert(id);
    EXPECT_EQ(Of(a).Union(Of(b)), Of(either)) << "round " << round;
    EXPECT_EQ(Of(a).Intersect(Of(b)), Of(both)) << "round " << round;
    EXPECT_EQ(Of(a).Minus(Of(b)), Of(only_a)) << "round " << round;
    for (ClassId id = 0; id < 42; ++id) EXPECT_EQ(Of(a).Contains(id), a.count(id) != 0);
  }
}

}  // namespace
}  // namespace sluice::acl
