// One kind's way from its reflector into the ClusterSet, and past the ConditionWriter if its status
// gets a condition. On the reflector's thread.
#pragma once

#include <map>

#include "control/kube/watch/reflector.h"
#include "control/watcher/cluster_set.h"
#include "control/watcher/condition_writer.h"
#include "control/watcher/kinds.h"

namespace sluice::control {

class ObjectFeed : public ObjectSink {
 public:
  // Of what is kept of a list's objects; sluiced takes as much of all kinds together.
  static constexpr size_t kMaxListedBytes = size_t{512} << 20;

  // All must outlive the feed.
  ObjectFeed(const WatchedKind& kind, ClusterSet& set, ConditionWriter& conditions)
      : kind_(kind), set_(set), conditions_(conditions) {}

  void OnListBegin() override;
  // Error: ResourceExhausted, beyond kMaxListedBytes.
  absl::Status OnListed(StreamedObject object) override;
  void OnUnlisted(const ObjectIdentity& object) override;
  void OnListEnd() override;
  void OnChanged(StreamedObject object) override;
  void OnDeleted(const ObjectIdentity& object) override;

 private:
  ObjectKey KeyOf(const ObjectIdentity& object) const;
  ClusterSet::Item Read(const StreamedObject& object) const;

  const WatchedKind& kind_;
  ClusterSet& set_;
  ConditionWriter& conditions_;
  std::map<ObjectKey, ClusterSet::Item> listed_;
  std::map<ObjectKey, ObjectState> listed_states_;  // only of a kind with a condition
  size_t listed_bytes_ = 0;  // of what was listed since OnListBegin, however often
};

}  // namespace sluice::control
