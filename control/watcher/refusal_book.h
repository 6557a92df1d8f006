// The objects that are not in force as they were written, and why.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "control/object_key.h"
#include "control/watcher/cluster_set.h"

namespace sluice::control {

// Any thread.
class RefusalBook {
 public:
  // Hears of each refusal that is new or has another reason, on the thread that calls Note.
  using OnRefused = std::function<void(const Refusal& refusal, const std::string& uid)>;

  explicit RefusalBook(OnRefused on_refused) : on_refused_(std::move(on_refused)) {}

  // What became of all objects, or of those of a change. Only of what was sent: a refusal to remove
  // another source's object is none of ours, once ours has gone.
  void NoteAll(const ClusterSet::Batch& sent, const std::vector<Refusal>& refusals);
  void NoteChanges(const ClusterSet::Batch& sent, const std::vector<Refusal>& refusals);

  std::vector<Refusal> List() const;
  size_t size() const;

 private:
  using Refused = std::map<ObjectKey, Refusal>;
  // The refusals of `next` that `refused_` does not have, with their objects' UIDs.
  void Tell(const ClusterSet::Batch& sent, const Refused& before, const Refused& now) const;

  mutable std::mutex mutex_;
  Refused refused_;
  const OnRefused on_refused_;
};

}  // namespace sluice::control
