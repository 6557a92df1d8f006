// Answers of control -> protobuf, for the services and for sluicectl without a daemon.
#pragma once

#include "control/network_diff.h"
#include "control/verdict.h"
#include "sluice/v1/diagnostics.pb.h"

namespace sluice::control {

void WriteSide(const Side& side, v1::SideVerdict* out);

// Adds one network's part of the answer.
void AddDiff(const NetworkDiff& diff, v1::DiffPoliciesResponse* out);

}  // namespace sluice::control
