// Whether a cluster-wide policy or a SluicePolicy is accepted: the condition `sluice.io/Accepted`
// in its status, which the watchers of all nodes share.
//
//   refused here, and none says so of this generation   False, with the node and the reason
//   accepted here, and it is False of an earlier one    True
//   accepted here, and it is False by this node's word  True
//   else                                                left alone
//
// So the newest generation counts, of one generation a refusal does, and only who refused takes it
// back: what one node writes no other undoes, unless it knows better. An object that nobody ever
// refused is never written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/kube/watch/object_stream.h"
#include "control/object_key.h"
#include "control/watcher/cluster_set.h"

namespace sluice::control {

inline constexpr char kAcceptedCondition[] = "sluice.io/Accepted";

// meta/v1 Condition, of that type.
struct AcceptedCondition {
  std::string status;  // "True", "False"
  int64_t generation = 0;
  std::string since;  // lastTransitionTime
  std::string message;
  bool operator==(const AcceptedCondition&) const = default;
};

// What the API has of an object beside its policy.
struct ObjectState {
  std::string uid;
  std::string resource_version;
  int64_t generation = 0;  // 0: not known
  std::optional<AcceptedCondition> condition;
};

// What became of an object here.
struct Judgement {
  ObjectKey key;
  std::string uid;
  int64_t generation = 0;
  std::optional<Refusal> refusal;
};

// Of the objects in `sent` that have a generation.
std::vector<Judgement> JudgementsOf(const ClusterSet::Batch& sent,
                                    const std::vector<Refusal>& refusals);

// Fields of another type than theirs are as if they were not there.
ObjectState StateOf(const StreamedObject& object);

// What the condition should be instead; nothing if it may stay. `now` is RFC 3339.
std::optional<AcceptedCondition> WantedCondition(const ObjectState& object,
                                                 const Judgement& judgement,
                                                 const std::string& node, const std::string& now);

}  // namespace sluice::control
