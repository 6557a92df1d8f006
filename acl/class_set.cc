#include "acl/class_set.h"

#include <algorithm>
#include <iterator>

namespace sluice::acl {

void ClassSet::Append(ClassId id) {
  if (!intervals_.empty() && intervals_.back().last + 1 == id) {
    intervals_.back().last = id;
  } else {
    intervals_.push_back({id, id});
  }
}

ClassSet ClassSet::Union(const ClassSet& other) const {
  std::vector<ClassInterval> all;
  std::merge(intervals_.begin(), intervals_.end(), other.intervals_.begin(), other.intervals_.end(),
             std::back_inserter(all));
  ClassSet result;
  for (const ClassInterval& next : all) {
    if (result.empty() || result.intervals_.back().last + 1 < next.first) {
      result.intervals_.push_back(next);
    } else {
      result.intervals_.back().last = std::max(result.intervals_.back().last, next.last);
    }
  }
  return result;
}

ClassSet ClassSet::Intersect(const ClassSet& other) const {
  ClassSet result;
  auto a = intervals_.begin();
  auto b = other.intervals_.begin();
  while (a != intervals_.end() && b != other.intervals_.end()) {
    const ClassInterval common{std::max(a->first, b->first), std::min(a->last, b->last)};
    if (common.first <= common.last) result.intervals_.push_back(common);
    if (a->last < b->last) {
      ++a;
    } else {
      ++b;
    }
  }
  return result;
}

ClassSet ClassSet::Minus(const ClassSet& other) const {
  ClassSet complement;
  int next = 0;
  for (const ClassInterval& hole : other.intervals_) {
    if (next < hole.first) {
      complement.intervals_.push_back(
          {static_cast<ClassId>(next), static_cast<ClassId>(hole.first - 1)});
    }
    next = hole.last + 1;
  }
  if (next <= kMaxClass) complement.intervals_.push_back({static_cast<ClassId>(next), kMaxClass});
  return Intersect(complement);
}

ClassSet ClassSet::Touching(const ClassSet& other) const {
  ClassSet result;
  auto b = other.intervals_.begin();
  for (const ClassInterval& a : intervals_) {
    while (b != other.intervals_.end() && b->last < a.first) ++b;
    if (b == other.intervals_.end()) break;
    if (b->first <= a.last) result.intervals_.push_back(a);
  }
  return result;
}

bool ClassSet::Contains(ClassId id) const {
  const auto next =
      std::upper_bound(intervals_.begin(), intervals_.end(), id,
                       [](ClassId value, const ClassInterval& i) { return value < i.first; });
  return next != intervals_.begin() && std::prev(next)->Contains(id);
}

}  // namespace sluice::acl
