// Starts and stops DPDK's environment layer for a program: the switch, sluicectl's offline verdict,
// the packet generator, the tests. One per process.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace sluice::dataplane {

enum class HugePages { kAuto, kOn, kOff };

struct EalConfig {
  std::string file_prefix;                  // distinct for each process
  HugePages huge_pages = HugePages::kAuto;  // kAuto: if enough 2 MiB pages are free
  bool single_file_segments = false;        // for virtio-user ports with huge pages
  size_t memory_mb = 512;
  int main_core = -1;             // CPU of the main lcore; -1: the first allowed one
  std::vector<int> worker_cores;  // one lcore each, pinned; distinct CPUs
  bool telemetry = false;
  // PCI devices that may be used, "ADDRESS[,DEVARGS]" as DPDK's --allow has them; no others are
  // touched.
  std::vector<std::string> pci;
};

// CPUs that this thread may run on, ascending. The EAL pins the thread that starts it to one.
std::vector<int> AllowedCpus();

class Eal {
 public:
  // Errors: InvalidArgument (file prefix, CPUs), FailedPrecondition (huge pages asked for and not
  // there), Internal with DPDK's words.
  static absl::StatusOr<std::unique_ptr<Eal>> Start(const EalConfig& config);
  ~Eal();  // stops the EAL and removes its run-time directory
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  bool huge_pages() const { return huge_pages_; }

 private:
  Eal() = default;
  bool started_ = false;
  bool huge_pages_ = false;
  std::string runtime_dir_;       // DPDK's, removed at the end
  std::string own_runtime_root_;  // made by us for an unprivileged user, removed at the end
  std::vector<std::string> arguments_;
};

}  // namespace sluice::dataplane
