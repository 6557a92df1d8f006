// PCI devices behind ports: a NIC by its address, and the representors of its virtual functions.
//
// DPDK probes whatever it is told to. Here only what the operator allowed is probed, when its port
// is added, if DPDK did not at its start; a NIC is let go of when its port goes.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/port_spec.h"

namespace sluice::dataplane {

// The ethdev of a port's NIC or representor. Nobody else's from Open to Close: two ports on one
// would stop it under each other's workers.
class PciDevice {
 public:
  // `allowed`: "ADDRESS[,DEVARGS]" each. Errors: FailedPrecondition (not allowed, no such device or
  // representor, bound to a driver of the kernel's), AlreadyExists (another port has it).
  static absl::StatusOr<PciDevice> Open(const PortSpec& spec, std::span<const std::string> allowed);
  // Stops the device. A NIC that nothing else is a part of goes back to where it was before Open.
  void Close() const;

  uint16_t ethdev() const { return ethdev_; }

 private:
  PciDevice(uint16_t ethdev, uint64_t owner) : ethdev_(ethdev), owner_(owner) {}

  uint16_t ethdev_;
  uint64_t owner_;  // as DPDK knows it
};

// That entry of `allowed` that is about `address`; null: none is.
const std::string* FindAllowed(std::span<const std::string> allowed, const std::string& address);

// Why DPDK cannot take the device; nothing: it can. `devices`: /sys/bus/pci/devices.
std::optional<std::string> NicFault(const std::filesystem::path& devices,
                                    const std::string& address);

}  // namespace sluice::dataplane
