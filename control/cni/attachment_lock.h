// One call at a time for one attachment, whatever the runtime does.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <string>
#include <utility>

#include "control/cni/attachment.h"
#include "control/file_descriptor.h"

namespace sluice::cni {

// Held until its end, or its process's: a call that is killed keeps nobody out. All attachments
// share the file `lock` of the directory, a byte each, so that none leaves a file behind.
// Move-only.
class AttachmentLock {
 public:
  // Waits until `deadline` for whoever has it; one that has passed: does not wait. Makes the
  // directory. Errors: kTryAgain "attachment ID: another call for it ..."; kIo "stateDirectory:
  // ...".
  static absl::StatusOr<AttachmentLock> Take(const std::string& directory, const AttachmentId& id,
                                             std::chrono::steady_clock::time_point deadline);

 private:
  explicit AttachmentLock(control::FileDescriptor file) : file_(std::move(file)) {}

  control::FileDescriptor file_;
};

}  // namespace sluice::cni
