// A capture as people ask for it.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "control/view.h"
#include "dataplane/captured_packet.h"

namespace sluice::control {

// Empty strings and zeros: not said.
struct CaptureWish {
  std::string port;
  std::string direction;   // of the port: "in", "out"
  std::string connection;  // "tcp 10.0.0.1:1234 > 10.0.0.2:80", "udp default/a:0 > default/b:53"
  bool dropped = false;
  std::string reason;  // of a drop, by name; says `dropped`, too
  uint32_t snaplen = 0;
  uint32_t buffer_kib = 0;  // of each worker
};

// Defaults for what is not said. Errors, all "FIELD: REASON": InvalidArgument (direction without a
// port, or that is none; a connection that cannot be read, or with ends that have no address; no
// such reason; a figure out of bounds), NotFound (no such port).
absl::StatusOr<dataplane::CaptureConfig> MakeCaptureConfig(const CaptureWish& wish,
                                                           const View& view);

}  // namespace sluice::control
