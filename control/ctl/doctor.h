// The findings of sluicectl doctor, for itself and for support-bundle.
#pragma once

#include <string>
#include <vector>

#include "control/ctl/command.h"
#include "control/ctl/doctor/finding.h"

namespace sluice::ctl {

struct DoctorArguments {
  std::string root;
  std::string kubeconfig;
  std::string config;             // sluiced's
  std::vector<int> worker_cores;  // empty: the running sluiced's, or those of `config`
  std::vector<std::string> pci;   // beside those of the running sluiced's ports
};

Findings Examine(const GlobalOptions& options, const DoctorArguments& arguments);

// {"findings": [{"level", "check", "what", "advice"}, ...]}
std::string FindingsJson(const Findings& findings);
std::string FindingsText(const Findings& findings);

// The options of both commands.
void AddDoctorOptions(CLI::App& command, DoctorArguments& arguments);

}  // namespace sluice::ctl
