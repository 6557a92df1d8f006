// What a change of objects would flip, on every network, asked before it is made.
#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <vector>

#include "control/network_diff.h"
#include "control/object_key.h"
#include "control/view.h"

namespace sluice::control {

// `removed` go, `objects` come or are replaced, whoever owns them; nothing is changed. Networks in
// order of their names, at most `most` flips of all of them together. Any thread. Errors:
// DesiredState::Rehearse's, DiffNetwork's.
absl::StatusOr<std::vector<NetworkDiff>> DiffChange(const View& view,
                                                    std::span<const Candidate> objects,
                                                    std::span<const ObjectKey> removed,
                                                    size_t most);

}  // namespace sluice::control
