// The file that says which pods to play: a JSON list of
// {"name","socket","mode":"client"|"server"|"memif-client"|"memif-server","mac","addresses":[..]}.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "perf/pktgen/host_stack.h"

namespace sluice::pktgen {

struct PodSpec {
  HostConfig host;
  std::string socket;
  bool server = false, memif = false;
};

// Errors: InvalidArgument naming the pod, the field and the reason.
absl::StatusOr<std::vector<PodSpec>> ParsePods(std::string_view text);

}  // namespace sluice::pktgen
