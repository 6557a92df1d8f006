// Writes into a snapshot what a change touched, as verdict epochs (dataplane/verdict_age.h). Pure.
#pragma once

#include <set>

#include "control/verdict_scope.h"
#include "dataplane/snapshot.h"

namespace sluice::control {

// Sets the verdict epochs of `now`, which follows `previous` (null: the first) and is complete but
// for them. Touched are what `scope` names (`subjects`: its pods' ports), every port that is not
// the one `previous` had in its slot or whose subject became known or unknown, and the addresses of
// such ports. The verdict epoch rises if anything was touched. With keep_established only new
// owners of addresses are stamped: the rest concerns connections that are judged by the risen epoch
// anyway.
void StampVerdicts(const VerdictScope& scope, const std::set<dataplane::PortId>& subjects,
                   const dataplane::Snapshot* previous, dataplane::Snapshot& now);

}  // namespace sluice::control
