// The part of ADD that differs by the type of port: the port itself, and what the pod gets of it.
#pragma once

#include <absl/status/status.h>

#include <chrono>

#include "control/cni/call.h"
#include "control/cni/result.h"

namespace sluice::cni {

// Before anything is made: whether the port has a place. Errors: kConfig, kEnvironment.
absl::Status CheckPlace(const Call& call);

// Opens the port of `record`, answers when its policy is in force, and gives the pod its end: a
// socket with device information, or an interface with what `ipam` says, which keeps of the routes
// those that were made. `record` says at any time what there is to be undone, on disk too. Errors:
// kIo, kConfig, kRefused; the daemon's.
absl::Status AddPort(const Call& call, std::chrono::steady_clock::time_point deadline, Result& ipam,
                     Record& record);

// What the plugins before said, and this interface; its index goes to the addresses that IPAM gave.
Result ResultOf(const Call& call, const Record& record, const Result& ipam);

}  // namespace sluice::cni
