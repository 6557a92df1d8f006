#include "control/watcher/refusal_book.h"

#include <set>

namespace sluice::control {

void RefusalBook::NoteAll(const ClusterSet::Batch& sent, const std::vector<Refusal>& refusals) {
  Refused now;
  for (const Refusal& refusal : refusals) now.emplace(refusal.key, refusal);
  Refused before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(refused_, now);
  }
  Tell(sent, before, now);
}

void RefusalBook::NoteChanges(const ClusterSet::Batch& sent, const std::vector<Refusal>& refusals) {
  Refused before, now;
  {
    const std::lock_guard lock(mutex_);
    before = refused_;
    for (const ObjectKey& key : sent.removed) refused_.erase(key);
    std::set<ObjectKey> there;
    for (const ClusterSet::Item& item : sent.objects) there.insert(item.candidate->key);
    for (const ObjectKey& key : there) refused_.erase(key);
    for (const Refusal& refusal : refusals) {
      if (there.contains(refusal.key)) refused_.insert_or_assign(refusal.key, refusal);
    }
    now = refused_;
  }
  Tell(sent, before, now);
}

void RefusalBook::Tell(const ClusterSet::Batch& sent, const Refused& before,
                       const Refused& now) const {
  if (now.empty()) return;
  for (const ClusterSet::Item& item : sent.objects) {
    const auto refused = now.find(item.candidate->key);
    if (refused == now.end()) continue;
    const auto known = before.find(refused->first);
    if (known == before.end() || known->second != refused->second) {
      on_refused_(refused->second, item.uid);
    }
  }
}

std::vector<Refusal> RefusalBook::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<Refusal> list;
  for (const auto& [key, refusal] : refused_) list.push_back(refusal);
  return list;
}

size_t RefusalBook::size() const {
  const std::lock_guard lock(mutex_);
  return refused_.size();
}

}  // namespace sluice::control
