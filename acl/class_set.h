// A set of classes as sorted intervals that neither overlap nor touch.
//
// Class numbers are given out so that common sets are one or two intervals (class_table.h); every
// operation is linear in the intervals, not in the classes.
#pragma once

#include <span>
#include <vector>

#include "acl/flat_rule.h"

namespace sluice::acl {

class ClassSet {
 public:
  ClassSet() = default;
  explicit ClassSet(ClassInterval interval) : intervals_{interval} {}

  // `id` is above every member.
  void Append(ClassId id);

  ClassSet Union(const ClassSet& other) const;
  ClassSet Intersect(const ClassSet& other) const;
  ClassSet Minus(const ClassSet& other) const;
  // The intervals of this set, whole, that have a member in common with `other`.
  ClassSet Touching(const ClassSet& other) const;

  bool empty() const { return intervals_.empty(); }
  bool Contains(ClassId id) const;
  std::span<const ClassInterval> intervals() const { return intervals_; }
  bool operator==(const ClassSet&) const = default;

 private:
  std::vector<ClassInterval> intervals_;
};

}  // namespace sluice::acl
