// The virtual function of an SR-IOV NIC that a pod gets, and the end of it that the switch can
// have.
//
//   pod -- VF 0000:03:00.2 ==NIC's switch== representor (pf0vf0) -- sluiced
//
// Only in switchdev mode is there a representor. In legacy mode the NIC hands packets of a VF to
// other VFs and to the wire by itself.
#pragma once

#include <absl/status/statusor.h>

#include <string>

namespace sluice::cni {

struct VirtualFunction {
  std::string pci;              // "0000:03:00.2"
  std::string physical;         // of its physical function
  std::string physical_netdev;  // the kernel's interface of that
  unsigned number = 0;          // among the physical function's
  std::string representor;      // the kernel's interface
};

// What is in `sysfs` ("/sys") of the device `pci`, which `key` of the configuration names. Errors:
// kConfig "configuration: KEY: PCI: ..." if it is not there, is no virtual function, is one of the
// kernel's (an interface, which a pod would need to be given), or its physical function is not in
// switchdev mode.
absl::StatusOr<VirtualFunction> FindVirtualFunction(const std::string& sysfs,
                                                    const std::string& key, const std::string& pci);

}  // namespace sluice::cni
