#include "control/ctl/command.h"

#include <cstdio>

#include "control/kube/one_line.h"

namespace sluice::ctl {

ExitCode Report(const absl::Status& status, ExitCode on_error) {
  if (status.ok()) return kOk;
  fprintf(stderr, "%s\n", control::OneLine(std::string(status.message())).c_str());
  return on_error;
}

}  // namespace sluice::ctl
