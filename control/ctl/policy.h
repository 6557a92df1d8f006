// sluicectl policy: questions about policies as a whole. One file a question.
#pragma once

#include "control/ctl/command.h"

namespace sluice::ctl {

// Each adds its command to `policy`; as in command.h.
void AddPolicyDiff(CLI::App& policy, const GlobalOptions& options, ExitCode* exit_code);
void AddPolicyCost(CLI::App& policy, const GlobalOptions& options, ExitCode* exit_code);

}  // namespace sluice::ctl
