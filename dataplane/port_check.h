// Whether what a port needs outside of DPDK is there: sockets, interfaces, files.
//
// DPDK's drivers fail without a reason, or later, or make what is missing; here it is named before
// they are asked. Errors as PortDevice::Open.
#pragma once

#include <absl/status/status.h>

#include "dataplane/port_spec.h"

namespace sluice::dataplane {

absl::Status CheckNothing(const PortSpec& spec);
// A socket that can be made; one that nobody listens on makes way.
absl::Status CheckSocketServer(const PortSpec& spec);
// A socket of the peer's, which may come later.
absl::Status CheckSocketClient(const PortSpec& spec);
// A socket that the peer listens on: the driver tries once.
absl::Status CheckMemifClient(const PortSpec& spec);
// No interface of that name, or a tap that this port left behind.
absl::Status CheckNewInterface(const PortSpec& spec);
// An interface that takes packets as large as the port's.
absl::Status CheckInterface(const PortSpec& spec);
// The same with one receive queue, and a kernel that has AF_XDP sockets.
absl::Status CheckXdp(const PortSpec& spec);
// A file to read, if there is to be one.
absl::Status CheckPcap(const PortSpec& spec);

}  // namespace sluice::dataplane
