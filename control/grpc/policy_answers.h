// What the DiagnosticsService says of policies as a whole: what a change would flip, what they
// cost.
#pragma once

#include <grpcpp/support/status.h>

#include "control/view.h"
#include "sluice/v1/diagnostics.pb.h"

namespace sluice::control {

// Errors: DiffChange's.
grpc::Status AnswerDiff(const View& view, const v1::DiffPoliciesRequest& request,
                        v1::DiffPoliciesResponse* response);

void AnswerCost(const View& view, v1::GetPolicyCostResponse* response);

}  // namespace sluice::control
