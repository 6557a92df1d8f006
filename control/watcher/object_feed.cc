#include "control/watcher/object_feed.h"

#include <fmt/format.h>

#include <memory>
#include <set>
#include <utility>

#include "control/watcher/candidate_reader.h"

namespace sluice::control {

ObjectKey ObjectFeed::KeyOf(const ObjectIdentity& object) const {
  return control::KeyOf(kind_, object);
}

ClusterSet::Item ObjectFeed::Read(const StreamedObject& object) const {
  if (kind_.read == nullptr) return {nullptr, object.identity.uid};
  return {std::make_shared<const Candidate>(ReadCandidate(kind_, object)), object.identity.uid,
          kind_.has_condition ? StateOf(object).generation : 0};
}

void ObjectFeed::OnListBegin() {
  listed_.clear();
  listed_states_.clear();
  listed_bytes_ = 0;
}

absl::Status ObjectFeed::OnListed(StreamedObject object) {
  listed_bytes_ += object.bytes;
  if (listed_bytes_ > kMaxListedBytes) {
    OnListBegin();
    return absl::ResourceExhaustedError(
        fmt::format("the list has more than {} MiB", kMaxListedBytes >> 20));
  }
  if (kind_.has_condition) {
    listed_states_.insert_or_assign(KeyOf(object.identity), StateOf(object));
  }
  listed_.insert_or_assign(KeyOf(object.identity), Read(object));
  return absl::OkStatus();
}

void ObjectFeed::OnUnlisted(const ObjectIdentity& object) {
  listed_states_.erase(KeyOf(object));
  listed_.erase(KeyOf(object));
}

void ObjectFeed::OnListEnd() {
  const std::set<ObjectKey> changed = set_.Replace(kind_.kind, std::exchange(listed_, {}));
  if (!kind_.has_condition) return;
  conditions_.SeeAll(kind_.kind, std::exchange(listed_states_, {}), changed);
}

void ObjectFeed::OnChanged(StreamedObject object) {
  const ObjectKey key = KeyOf(object.identity);
  const bool changed = set_.Put(key, Read(object));
  if (kind_.has_condition) conditions_.See(key, StateOf(object), changed);
}

void ObjectFeed::OnDeleted(const ObjectIdentity& object) {
  conditions_.SeeGone(KeyOf(object));
  set_.Remove(KeyOf(object), object.uid);
}

}  // namespace sluice::control
