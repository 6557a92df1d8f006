#include "control/ctl/policy.h"

namespace sluice::ctl {

void AddPolicy(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  CLI::App* policy = app.add_subcommand("policy", "what policies would change, and what they cost");
  policy->require_subcommand(1);
  AddPolicyDiff(*policy, options, exit_code);
  AddPolicyCost(*policy, options, exit_code);
}

}  // namespace sluice::ctl
