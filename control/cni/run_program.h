// Another program, run to its end or to the end of patience.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <string>

#include "control/cni/cni_args.h"

namespace sluice::cni {

struct ProgramOutput {
  int exit_code = 0;  // 128 and the signal's number if one ended it
  std::string text;   // of its standard output
};

// Runs the file `path` with `input` as its standard input and exactly `environment`; its standard
// error is ours. When `limit` has passed it is killed, with all it started in its process group;
// when the calling thread dies, it alone. Errors, "PATH: REASON": kIo (cannot be run), kTryAgain
// (took too long), kIpam (prints more than 1 MiB).
absl::StatusOr<ProgramOutput> RunProgram(const std::string& path, const std::string& input,
                                         const Environment& environment,
                                         std::chrono::milliseconds limit);

}  // namespace sluice::cni
