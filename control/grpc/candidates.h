// Objects of a request on their way into the desired state.
#pragma once

#include <vector>

#include "control/object_key.h"
#include "sluice/v1/objects.pb.h"

namespace sluice::control {

// The object, or why it cannot even be read.
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

}  // namespace sluice::control
