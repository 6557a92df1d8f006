// `sluice-pktgen traffic`: its flags, its ports, and the loop over its commands.
#pragma once

#include <absl/status/status.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>

#include "perf/pktgen/session.h"

namespace sluice::pktgen {

struct TrafficOptions;

class TrafficMain {
 public:
  // Adds the sub-command.
  explicit TrafficMain(CLI::App& app);
  ~TrafficMain();

  bool chosen() const { return command_->parsed(); }
  // Commands come from standard input, answers go to `output`, until the input ends, a quit, or
  // `stop`.
  absl::Status Run(const JsonOutput& output, const std::atomic<bool>& stop) const;

 private:
  std::unique_ptr<TrafficOptions> options_;
  CLI::App* command_;
};

}  // namespace sluice::pktgen
