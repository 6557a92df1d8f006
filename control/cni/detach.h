// Taking away what an ADD made: DEL, GC, and an ADD that fails.
#pragma once

#include <absl/status/status.h>

#include "control/cni/call.h"

namespace sluice::cni {

// What the port alone tells of its attachment.
Record RecordOf(const AttachmentId& id, const std::string& daemon, const dataplane::PortSpec& port);

// What the pod has of the port, and where it was told: socket or interface, device information.
// What is not there is no error. Errors, of the first that failed: kIo.
absl::Status RemoveFiles(const Record& record);

// The caller holds the attachment's lock. Deletes the port of `record`, its socket or interface,
// its device information and its addresses, puts the MAC of a virtual function back, and then
// deletes the record. Each step is taken whatever became of the one before. Without the daemon the
// record stays, as kGone, and that is no error. Errors, of the first step that failed: the daemon's
// refusal, IPAM's, kIo; the record stays for the next try.
absl::Status Detach(const Call& call, const Record& record);

}  // namespace sluice::cni
