// Items of a ClusterSet, short to write.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/watcher/cluster_set.h"
#include "tests/unit/control/objects.h"

namespace sluice::control {

inline ClusterSet::Item ItemOf(Object object, const std::string& uid = "") {
  Candidate candidate = Candidate::Of(std::move(object));
  candidate.uid = uid;
  return {std::make_shared<const Candidate>(std::move(candidate)), uid};
}

inline void Put(ClusterSet& set, Object object, const std::string& uid = "") {
  const ObjectKey key = ObjectKey::Of(object);
  set.Put(key, ItemOf(std::move(object), uid));
}

template <typename... Objects>
void Replace(ClusterSet& set, const std::string& kind, Objects... objects) {
  std::map<ObjectKey, ClusterSet::Item> items;
  (items.emplace(ObjectKey::Of(Object(objects)), ItemOf(objects)), ...);
  set.Replace(kind, std::move(items));
}

inline std::vector<std::string> Names(const ClusterSet::Batch& batch) {
  std::vector<std::string> names;
  for (const ClusterSet::Item& item : batch.objects)
    names.push_back(item.candidate->key.ToString());
  for (const ObjectKey& key : batch.removed) names.push_back("-" + key.ToString());
  return names;
}

}  // namespace sluice::control
