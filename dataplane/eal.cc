#include "dataplane/eal.h"

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sluice::dataplane {
namespace {

constexpr size_t kHugePageMb = 2;
constexpr char kFreeHugePages[] = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";

size_t FreeHugePages() {
  size_t pages = 0;
  std::ifstream(kFreeHugePages) >> pages;
  return pages;
}

absl::Status CheckCpu(const std::vector<int>& allowed, int cpu, std::string_view what) {
  if (std::find(allowed.begin(), allowed.end(), cpu) != allowed.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: CPU {} is not among those this process may use: {}", what, cpu,
                  fmt::join(allowed, ",")));
}

// DPDK answers a wrong core with pages of usage, and pins two workers to one CPU without a word.
// Main and a worker may share one: a machine may have no other.
absl::Status CheckCpus(const EalConfig& config) {
  const std::vector<int> allowed = AllowedCpus();
  if (config.main_core >= 0) {
    if (absl::Status good = CheckCpu(allowed, config.main_core, "main core"); !good.ok())
      return good;
  }
  for (const int cpu : config.worker_cores) {
    if (absl::Status good = CheckCpu(allowed, cpu, "worker cores"); !good.ok()) return good;
    if (std::count(config.worker_cores.begin(), config.worker_cores.end(), cpu) > 1) {
      return absl::InvalidArgumentError(fmt::format("worker cores: CPU {} is listed twice", cpu));
    }
  }
  return absl::OkStatus();
}

// The prefix names a directory of ours, which is removed at the end: it must not lead elsewhere.
absl::Status CheckFilePrefix(const std::string& prefix) {
  const auto good = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  };
  if (!prefix.empty() && prefix.size() <= 64 && std::all_of(prefix.begin(), prefix.end(), good)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("file prefix \"{}\": must be 1 to 64 letters, digits, '-' or '_'", prefix));
}

absl::StatusOr<bool> ChooseHugePages(const EalConfig& config) {
  if (config.huge_pages == HugePages::kOff) return false;
  const size_t needed = (config.memory_mb + kHugePageMb - 1) / kHugePageMb;
  const size_t free_pages = FreeHugePages();
  if (free_pages >= needed) return true;
  if (config.huge_pages == HugePages::kAuto) return false;
  return absl::FailedPreconditionError(
      fmt::format("huge pages: {} MB need {} free pages of 2 MiB, {} are free (sysctl "
                  "vm.nr_hugepages, or --huge auto)",
                  config.memory_mb, needed, free_pages));
}

// "0@2,1@3": lcore 0 (main) on CPU 2, lcore 1 (the first worker) on CPU 3.
std::string LcoreMap(const EalConfig& config) {
  const int main_core = config.main_core >= 0 ? config.main_core : AllowedCpus().at(0);
  std::string map = fmt::format("0@{}", main_core);
  for (size_t i = 0; i < config.worker_cores.size(); ++i) {
    map += fmt::format(",{}@{}", i + 1, config.worker_cores[i]);
  }
  return map;
}

std::vector<std::string> Arguments(const EalConfig& config, bool huge_pages) {
  std::vector<std::string> arguments = {"sluice",
                                        "--lcores",
                                        LcoreMap(config),
                                        "-m",
                                        std::to_string(config.memory_mb),
                                        "--file-prefix",
                                        config.file_prefix,
                                        "--log-level",
                                        "lib.*:error",
                                        "--log-level",
                                        "pmd.*:error",
                                        "--log-level",
                                        "*:error"};
  if (huge_pages) {
    arguments.insert(arguments.end(), {"--in-memory", "--iova-mode=va"});
    if (config.single_file_segments) arguments.emplace_back("--single-file-segments");
  } else {
    // Without --no-shconf two tests of one user could meet in a stale config file.
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
  }
  if (config.pci.empty()) arguments.emplace_back("--no-pci");
  for (const std::string& device : config.pci)
    arguments.insert(arguments.end(), {"--allow", device});
  if (!config.telemetry) arguments.emplace_back("--no-telemetry");
  return arguments;
}

}  // namespace

std::vector<int> AllowedCpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof(allowed), &allowed);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  return cpus;
}

absl::StatusOr<std::unique_ptr<Eal>> Eal::Start(const EalConfig& config) {
  if (absl::Status good = CheckFilePrefix(config.file_prefix); !good.ok()) return good;
  if (absl::Status good = CheckCpus(config); !good.ok()) return good;
  absl::StatusOr<bool> huge_pages = ChooseHugePages(config);
  if (!huge_pages.ok()) return huge_pages.status();

  std::unique_ptr<Eal> eal(new Eal);
  eal->huge_pages_ = *huge_pages;
  if (geteuid() != 0 && getenv("XDG_RUNTIME_DIR") == nullptr) {
    // DPDK falls back to /tmp/dpdk, which another user may own.
    std::string directory = (std::filesystem::temp_directory_path() / "sluice-XXXXXX").string();
    if (mkdtemp(directory.data()) == nullptr) {
      return absl::FailedPreconditionError(
          fmt::format("cannot make a run-time directory {}", directory));
    }
    setenv("XDG_RUNTIME_DIR", directory.c_str(), 1);
    eal->own_runtime_root_ = directory;
  }
  eal->arguments_ = Arguments(config, *huge_pages);
  rte_openlog_stream(stderr);  // DPDK's default is stdout, which belongs to our callers' output
  std::vector<char*> argv;
  for (std::string& argument : eal->arguments_) argv.push_back(argument.data());
  argv.push_back(nullptr);
  if (rte_eal_init(static_cast<int>(argv.size()) - 1, argv.data()) < 0) {
    return absl::InternalError(fmt::format("DPDK's environment layer does not start: {} ({})",
                                           rte_strerror(rte_errno),
                                           fmt::join(eal->arguments_, " ")));
  }
  eal->started_ = true;
  eal->runtime_dir_ = rte_eal_get_runtime_dir();
  return eal;
}

Eal::~Eal() {
  if (started_) rte_eal_cleanup();
  std::error_code ignored;
  if (!runtime_dir_.empty()) std::filesystem::remove_all(runtime_dir_, ignored);
  if (!own_runtime_root_.empty()) std::filesystem::remove_all(own_runtime_root_, ignored);
}

}  // namespace sluice::dataplane
