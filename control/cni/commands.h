// The commands of the specification. One file each.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "control/cni/call.h"
#include "control/cni/result.h"

namespace sluice::cni {

// ADD, DEL and each deletion of GC hold the attachment's lock (attachment_lock.h), and fail with
// kTryAgain if another call has it for too long.

// record, addresses, port with its policy in force, device information: in this order. Fails with
// all of it undone, what an earlier ADD that was killed left behind included. Errors: kExists;
// those of the parts; kTryAgain if policy is not in force in time.
absl::StatusOr<Result> Add(const Call& call);

// Succeeds if there is nothing to delete. Errors: detach.h.
absl::Status Delete(const Call& call);

// Errors: kCheck naming what is not as ADD left it, policy in force included; IPAM's; kTryAgain
// without the daemon, or while it could not put its newest policies in force.
absl::Status Check(const Call& call);

// Errors: kNotAvailable (no daemon, no workers, no such network, no room for another port, though
// ports of pods that are gone were taken away), kLimited (the newest policies could not be put in
// force, or packet buffers are used up); IPAM's.
absl::Status Status(const Call& call);

// Deletes what this network has and NetConfig::valid does not list: by records, and by ports that
// have none. Goes on after errors, and returns them all in one, with the first one's code.
absl::Status CollectGarbage(const Call& call);

}  // namespace sluice::cni
