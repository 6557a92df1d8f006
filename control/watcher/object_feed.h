// One kind's way from its reflector into the ClusterSet. On the reflector's thread.
#pragma once

#include <map>

#include "control/kube/watch/reflector.h"
#include "control/watcher/cluster_set.h"
#include "control/watcher/kinds.h"

namespace sluice::control {

class ObjectFeed : public ObjectSink {
 public:
  // Of what is kept of a list's objects; sluiced takes as much of all kinds together.
  static constexpr size_t kMaxListedBytes = size_t{512} << 20;

  // Both must outlive the feed.
  ObjectFeed(const WatchedKind& kind, ClusterSet& set) : kind_(kind), set_(set) {}

  void OnListBegin() override;
  // Error: ResourceExhausted, beyond kMaxListedBytes.
  absl::Status OnListed(StreamedObject object) override;
  void OnUnlisted(const ObjectIdentity& object) override { listed_.erase(KeyOf(object)); }
  void OnListEnd() override;
  void OnChanged(StreamedObject object) override;
  void OnDeleted(const ObjectIdentity& object) override;

 private:
  ObjectKey KeyOf(const ObjectIdentity& object) const;
  ClusterSet::Item Read(const StreamedObject& object) const;

  const WatchedKind& kind_;
  ClusterSet& set_;
  std::map<ObjectKey, ClusterSet::Item> listed_;
  size_t listed_bytes_ = 0;  // of what was listed since OnListBegin, however often
};

}  // namespace sluice::control
