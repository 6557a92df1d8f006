// A packet's dry run through the live pipeline, in words.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/verdict.h"
#include "control/view.h"
#include "dataplane/switch.h"

namespace sluice::control {

struct TraceStep {
  std::string stage;
  std::string text;
  bool dropped = false;  // the packet's way ends here
};

struct TraceAnswer {
  dataplane::TraceReport report;
  unsigned worker = 0;
  std::vector<TraceStep> steps;  // up to the one that dropped it
  // What policy said of the connection, seen from who opens it; absent: not judged.
  std::optional<Side> egress, ingress;
  std::vector<std::string> delivered_to;  // ports, were it real
};

// Runs `frame` as if the port named `port` had received it. Errors: NotFound (no such port), those
// of Switch::Trace as "port NAME: REASON".
absl::StatusOr<TraceAnswer> TraceFrame(const View& view, const dataplane::Switch& data_plane,
                                       const std::string& port, std::span<const uint8_t> frame);

}  // namespace sluice::control
