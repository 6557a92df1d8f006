#include "control/watcher/cluster_set.h"

#include <utility>

namespace sluice::control {
namespace {

bool SameOutline(const Candidate& one, const Candidate& other) {
  const auto &a = one.outline, &b = other.outline;
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

// Of one that could not be read: why not, and what takes its place.
bool Same(const ClusterSet::Item& one, const ClusterSet::Item& other) {
  const auto &a = one.candidate, &b = other.candidate;
  if (a == nullptr || b == nullptr) return a == b;
  if (one.generation != other.generation || a->uid != b->uid) return false;
  if (a->object.ok() && b->object.ok()) return *a->object == *b->object;
  return a->object.status() == b->object.status() && SameOutline(*a, *b);
}

}  // namespace

std::set<ObjectKey> ClusterSet::Replace(const std::string& kind,
                                        std::map<ObjectKey, Item> objects) {
  const std::lock_guard lock(mutex_);
  unknown_.erase(kind);
  auto old = objects_.lower_bound({kind, {}});
  while (old != objects_.end() && old->first.kind == kind) {
    if (objects.contains(old->first)) {
      ++old;
      continue;
    }
    Changed(old->first, old->second);
    old = objects_.erase(old);
  }
  std::set<ObjectKey> changed;
  for (auto& [key, item] : objects) {
    if (Assign(key, std::move(item))) changed.insert(key);
  }
  wakes_.notify_all();
  return changed;
}

bool ClusterSet::Put(const ObjectKey& key, Item item) {
  const std::lock_guard lock(mutex_);
  return Assign(key, std::move(item));
}

bool ClusterSet::Assign(const ObjectKey& key, Item item) {
  const auto [found, is_new] = objects_.try_emplace(key);
  const std::string& before = found->second.uid;
  if (!before.empty() && !item.uid.empty() && before != item.uid) replaced_.insert(key);
  const bool changed = is_new || !Same(found->second, item);
  if (changed) Changed(key, item);
  found->second = std::move(item);
  return changed;
}

void ClusterSet::Remove(const ObjectKey& key, const std::string& uid) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return;
  const std::string& current = found->second.uid;
  if (!uid.empty() && !current.empty() && uid != current) return;
  Changed(key, found->second);
  replaced_.insert(key);
  objects_.erase(found);
}

// The time stays that of the first change: it is the one that has waited longest.
void ClusterSet::Changed(const ObjectKey& key, const Item& item) {
  if (item.candidate == nullptr) return;
  changed_.emplace(key, clock_());
  if (Ready()) wakes_.notify_all();
}

std::optional<ClusterSet::Batch> ClusterSet::TakeAll() {
  const std::lock_guard lock(mutex_);
  if (!unknown_.empty()) return std::nullopt;
  Batch batch;
  for (const auto& [key, item] : objects_) {
    if (item.candidate != nullptr) batch.objects.push_back(item);
  }
  batch.read = std::exchange(changed_, {});
  replaced_.clear();
  taken_ = true;
  return batch;
}

std::optional<ClusterSet::Batch> ClusterSet::TakeChanges() {
  const std::lock_guard lock(mutex_);
  if (!unknown_.empty() || changed_.empty()) return std::nullopt;
  Batch batch;
  batch.read = std::exchange(changed_, {});
  for (const auto& [key, time] : batch.read) {
    const auto found = objects_.find(key);
    const bool gone = found == objects_.end();
    if (gone || replaced_.contains(key)) batch.removed.push_back(key);
    if (!gone) batch.objects.push_back(found->second);
  }
  replaced_.clear();
  return batch;
}

void ClusterSet::PutBack(std::map<ObjectKey, Time> read) {
  const std::lock_guard lock(mutex_);
  read.merge(changed_);  // the older time stays
  changed_ = std::move(read);
}

void ClusterSet::SendAgain(const std::vector<ObjectKey>& keys) {
  const std::lock_guard lock(mutex_);
  for (const ObjectKey& key : keys) {
    const auto found = objects_.find(key);
    if (found != objects_.end()) Changed(key, found->second);
  }
}

void ClusterSet::Wait(std::chrono::steady_clock::duration limit, bool for_change) {
  std::unique_lock lock(mutex_);
  wakes_.wait_for(lock, limit, [&] { return closed_ || (for_change && Ready()); });
}

void ClusterSet::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  wakes_.notify_all();
}

bool ClusterSet::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

std::map<std::string, size_t> ClusterSet::Counts() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, size_t> counts;
  for (const auto& [key, item] : objects_) ++counts[key.kind];
  return counts;
}

size_t ClusterSet::pending() const {
  const std::lock_guard lock(mutex_);
  return changed_.size();
}

}  // namespace sluice::control
