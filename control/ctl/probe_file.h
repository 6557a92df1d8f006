// The probes of `sluicectl verdict`: a JSON list of questions.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "control/probe.h"

namespace sluice::ctl {

// [{"from": "ns/pod", "to": "10.0.0.1", "protocol": "tcp", "port": 80, "family": 4,
// "network": "default"}, ...]; family and network are optional, port is absent for icmp. Whether
// there is such a pod or network is not asked here. Errors: InvalidArgument "FILE: probe[I]: FIELD:
// REASON".
absl::StatusOr<std::vector<control::Probe>> ParseProbes(std::string_view file,
                                                        std::string_view text);

}  // namespace sluice::ctl
