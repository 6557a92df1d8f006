// Objects of a request on their way into the desired state, and why one was not taken.
#pragma once

#include <vector>

#include "control/object_key.h"
#include "sluice/v1/objects.pb.h"
#include "sluice/v1/policy.pb.h"

namespace sluice::control {

// The object, or why it cannot even be read; a SluicePolicy whose patterns do not compile counts as
// one of those, with itself for an outline. Any thread.
Candidate ToCandidate(const v1::Object& proto);

// The other way, for a source that sends.
void WriteCandidate(const Candidate& candidate, v1::Object* out);

template <typename Messages>
void AppendCandidates(const Messages& messages, std::vector<Candidate>* out) {
  for (const v1::Object& proto : messages) out->push_back(ToCandidate(proto));
}

void WriteKey(const ObjectKey& key, v1::ObjectKey* out);

inline ObjectKey ToKey(const v1::ObjectKey& key) {
  return {key.kind(), {key.namespace_(), key.name()}};
}

void WriteRefusal(const Refusal& refusal, v1::Refusal* out);

inline Refusal ToRefusal(const v1::Refusal& proto) {
  return {ToKey(proto.object()), proto.field(), proto.reason()};
}

}  // namespace sluice::control
