// What sluicectl doctor looks at on a machine, one function a topic. They read, and change nothing.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "control/ctl/doctor/finding.h"
#include "control/ctl/doctor/machine_tree.h"

namespace sluice::ctl {

// What the switch is to get, or has: of a running sluiced, or as the user says.
struct SwitchNeeds {
  std::set<int> worker_cores;
  std::vector<std::string> pci;      // addresses of the devices behind its ports
  std::vector<std::string> sockets;  // of vhost-server ports
  std::string grpc_socket;           // path
  size_t memory_mb = 512;
  bool running = false;  // its huge pages are taken already
};

// Pages of 2 MiB and 1 GiB: reserved, free, by NUMA node, mounted.
Findings ExamineHugePages(const MachineTree& tree, const SwitchNeeds& needs);
// The CPUs of the workers: there, near the memory and the devices, alone, at full speed.
Findings ExamineCpus(const MachineTree& tree, const SwitchNeeds& needs);
// IOMMU, vfio and drivers of the PCI devices.
Findings ExamineDevices(const MachineTree& tree, const SwitchNeeds& needs);
// Who may use the gRPC socket and those of pods.
Findings ExamineSockets(const MachineTree& tree, const SwitchNeeds& needs);
// /opt/cni/bin and /etc/cni/net.d.
Findings ExamineCni(const MachineTree& tree);
// Open files and locked memory of the running sluiced, else of who asks.
Findings ExamineLimits(const MachineTree& tree);

// All of the above.
Findings ExamineMachine(const MachineTree& tree, const SwitchNeeds& needs);

// NUMA node -> its CPUs. A machine that says nothing has one.
std::vector<std::pair<int, std::set<int>>> NumaNodes(const MachineTree& tree);

}  // namespace sluice::ctl
