// An object as the API server sent it -> an object on its way into the desired state.
#pragma once

#include <string>

#include "control/kube/watch/object_stream.h"
#include "control/object_key.h"
#include "control/watcher/kinds.h"

namespace sluice::control {

ObjectKey KeyOf(const WatchedKind& kind, const ObjectIdentity& identity);

// The object, or why it cannot be read, and then with what of a policy could be read all the same:
// whom it selects and in which directions, for what takes its place. `kind` has a reader.
Candidate ReadCandidate(const WatchedKind& kind, const StreamedObject& object);

}  // namespace sluice::control
