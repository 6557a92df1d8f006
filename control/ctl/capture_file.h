// A capture on its way into a pcapng file or pipe.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "sluice/v1/diagnostics.pb.h"

namespace sluice::ctl {

class CaptureFile {
 public:
  // "-": stdout. A file is made with its owner's rights alone, when the first message comes: what a
  // refused capture would take the place of stays. `snaplen` 0: everything.
  CaptureFile(std::string path, uint32_t snaplen);

  // Writes what the message has, whole, before it returns. Errors: Unavailable "FILE: REASON".
  absl::Status Take(const v1::CaptureResponse& message);
  // Statistics of all interfaces; after the last message. A file that nothing came for is not made.
  absl::Status Finish();

  uint64_t captured() const { return captured_; }
  uint64_t lost() const;

 private:
  struct Interface {
    uint64_t captured = 0, lost = 0;
  };
  struct Close {
    void operator()(FILE* file) const { fclose(file); }
  };
  absl::Status Open();
  absl::Status Write(const std::string& blocks);
  std::string BlocksOf(const v1::CaptureResponse& message);

  const std::string path_;
  const uint32_t snaplen_;
  std::unique_ptr<FILE, Close> owned_;  // null: stdout
  FILE* file_ = nullptr;                // null: nothing came yet
  std::vector<Interface> interfaces_;
  uint64_t captured_ = 0;
  uint64_t last_ns_ = 0;
};

}  // namespace sluice::ctl
