// What sets one kind of port apart from another: one row a kind, and what PortDevice does with it.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "dataplane/port_spec.h"

namespace sluice::dataplane {

// What makes the device of a port.
enum class DeviceMaker : uint8_t {
  kVirtualBus,   // the driver, from the row's devargs
  kRings,        // rings of our own
  kPciDevice,    // a NIC, or a part of one
  kVhostSocket,  // DPDK's vhost library, without an ethdev
  kTunDevice,    // the kernel, without an ethdev
};

struct PortKindRow {
  PortKind kind;
  DeviceMaker maker;
  const char* driver = nullptr;  // or, for people, what it is
  // Whether what the port needs outside of DPDK is there: sockets, interfaces, files. Errors as
  // PortDevice::Open.
  absl::Status (*check)(const PortSpec&) = nullptr;
  std::string (*args)(const PortSpec&) = nullptr;  // devargs; null: none
  bool sets_mtu = false;                           // the device wants to be told
  bool whole_frames = false;                       // receives each frame into one buffer
  bool promiscuous = false;  // has to be told to take what is not for its own address
  const char* hint = "";     // said when DPDK's driver fails
};

const PortKindRow& RowOf(PortKind kind);

// "port NAME: REASON".
absl::Status PortError(const PortSpec& spec, absl::StatusCode code, std::string_view reason);
absl::Status PortError(const PortSpec& spec, const absl::Status& reason);

}  // namespace sluice::dataplane
