// Makes a network interface of the kernel's whose frames this process reads and writes.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "dataplane/mac_address.h"

namespace sluice::dataplane {

struct TapInterface {
  std::string name;
  MacAddress mac;       // zero: the kernel's choice
  uint16_t mtu = 1500;  // bytes of an IP packet
  bool stays = false;   // when its file is closed; then it can be taken again
};

// In the thread's network namespace, up; one of that name that stayed is taken. The file descriptor
// is the caller's: non-blocking, each frame behind a VirtioHeader, TCP's to be cut and checksums to
// be computed both ways. Errors: Internal "tap NAME: STEP: REASON".
absl::StatusOr<int> OpenTap(const TapInterface& tap);

}  // namespace sluice::dataplane
