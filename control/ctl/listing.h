// Listings that more than one command prints.
#pragma once

#include "control/ctl/command.h"

namespace sluice::ctl {

ExitCode ListPorts(const GlobalOptions& options);

}  // namespace sluice::ctl
