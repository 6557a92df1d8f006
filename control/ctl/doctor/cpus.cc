#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "control/ctl/doctor/examine.h"

namespace sluice::ctl {
namespace {

constexpr char kSystemCpu[] = "/sys/devices/system/cpu";

std::set<int> Without(const std::set<int>& all, const std::set<int>& these) {
  std::set<int> left;
  std::ranges::set_difference(all, these, std::inserter(left, left.end()));
  return left;
}

Finding There(const MachineTree& tree, const SwitchNeeds& needs) {
  const std::set<int> online = tree.ReadCpus(std::string(kSystemCpu) + "/online");
  const std::set<int> missing = Without(needs.worker_cores, online);
  if (needs.worker_cores.empty()) {
    return {Level::kWarn, "worker-cores", "not known: sluiced does not run",
            "say which: --worker-cores 2,3"};
  }
  if (!missing.empty()) {
    return {
        Level::kFail, "worker-cores",
        fmt::format("CPUs {}: {} are not online", CpusText(needs.worker_cores), CpusText(missing)),
        fmt::format("worker-cores: choose of {}", CpusText(online))};
  }
  return {Level::kOk, "worker-cores", fmt::format("CPUs {}", CpusText(needs.worker_cores)), ""};
}

// -1: the machine does not say.
int NodeOfDevice(const MachineTree& tree, const std::string& pci) {
  const auto text = tree.Read("/sys/bus/pci/devices/" + pci + "/numa_node");
  return text && !text->empty() && *text != "-1" ? std::atoi(text->c_str()) : -1;
}

std::set<int> CpusOfNode(const MachineTree& tree, int node) {
  for (const auto& [number, cpus] : NumaNodes(tree)) {
    if (number == node) return cpus;
  }
  return {};
}

Finding NumaOfWorkers(const MachineTree& tree, const SwitchNeeds& needs) {
  std::set<int> of;
  for (const auto& [node, cpus] : NumaNodes(tree)) {
    if (Without(needs.worker_cores, cpus).size() < needs.worker_cores.size()) of.insert(node);
  }
  const std::string text = fmt::format("workers on NUMA node {}", fmt::join(of, ", "));
  if (of.size() < 2) return {Level::kOk, "numa-workers", text, ""};
  return {Level::kWarn, "numa-workers", text,
          "packets between workers cross nodes: take CPUs of one"};
}

Findings NumaOfDevices(const MachineTree& tree, const SwitchNeeds& needs) {
  Findings findings;
  for (const std::string& pci : needs.pci) {
    const int node = NodeOfDevice(tree, pci);
    if (node < 0) continue;
    const std::set<int> near = CpusOfNode(tree, node);
    const bool far = Without(needs.worker_cores, near).size() == needs.worker_cores.size();
    const std::string text = fmt::format("{} on NUMA node {}", pci, node);
    if (far) {
      findings.push_back({Level::kFail, "numa-device", text + ", no worker is",
                          fmt::format("worker-cores: take one of {}", CpusText(near))});
    } else {
      findings.push_back({Level::kOk, "numa-device", text, ""});
    }
  }
  return findings;
}

std::set<int> Isolated(const MachineTree& tree) {
  std::set<int> cpus = tree.ReadCpus(std::string(kSystemCpu) + "/isolated");
  cpus.merge(tree.ReadCpus("/sys/fs/cgroup/cpuset.cpus.isolated"));
  return cpus;
}

Finding Isolation(const MachineTree& tree, const SwitchNeeds& needs) {
  const std::set<int> open = Without(needs.worker_cores, Isolated(tree));
  if (!open.empty()) {
    return {Level::kWarn, "isolated-cpus",
            fmt::format("CPUs {} are not isolated (isolcpus, cpuset)", CpusText(open)),
            fmt::format("others are scheduled beside the workers: boot with isolcpus={0} "
                        "nohz_full={0}, or give the pod integer CPUs under the static CPU manager",
                        CpusText(needs.worker_cores))};
  }
  return {Level::kOk, "isolated-cpus", "the workers' CPUs are isolated", ""};
}

Finding Ticks(const MachineTree& tree, const SwitchNeeds& needs) {
  const std::set<int> tickless = tree.ReadCpus(std::string(kSystemCpu) + "/nohz_full");
  const std::set<int> ticking = Without(needs.worker_cores, tickless);
  if (ticking.empty()) return {Level::kOk, "nohz-full", "no timer tick on the workers' CPUs", ""};
  return {Level::kWarn, "nohz-full", fmt::format("the timer ticks on CPUs {}", CpusText(ticking)),
          fmt::format("costs microseconds each tick: boot with nohz_full={}",
                      CpusText(needs.worker_cores))};
}

// The value behind "NAME:" of /proc/PID/status.
std::string FieldOf(const std::string& status, const std::string& name) {
  const size_t at = ("\n" + status).find("\n" + name + ":");
  if (at == std::string::npos) return "";
  std::istringstream rest(status.substr(at + name.size() + 1));
  std::string value;
  rest >> value;
  return value;
}

bool IsKernelThread(const std::string& status) {
  return FieldOf(status, "PPid") == "2" || FieldOf(status, "Pid") == "2";
}

// Processes that are allowed on the CPUs, and are told to be there by somebody: not on all CPUs,
// where the scheduler leaves isolated ones alone.
Finding Company(const MachineTree& tree, const SwitchNeeds& needs) {
  const std::set<int> online = tree.ReadCpus(std::string(kSystemCpu) + "/online");
  std::vector<std::string> pinned;
  size_t wandering = 0;
  for (const std::string& pid : tree.List("/proc")) {
    if (std::isdigit(static_cast<unsigned char>(pid[0])) == 0) continue;
    const std::string status = tree.Read("/proc/" + pid + "/status").value_or("");
    const std::string name = FieldOf(status, "Name");
    if (IsKernelThread(status) || name.empty() || name == "sluiced") continue;
    const std::set<int> allowed = ParseCpus(FieldOf(status, "Cpus_allowed_list"));
    if (Without(needs.worker_cores, allowed).size() == needs.worker_cores.size()) continue;
    if (Without(online, allowed).empty()) {
      ++wandering;
    } else {
      pinned.push_back(fmt::format("{} ({})", name, pid));
    }
  }
  if (!pinned.empty()) {
    const size_t count = pinned.size();
    pinned.resize(std::min<size_t>(count, 5));
    return {Level::kWarn, "cpu-company",
            fmt::format("{} processes are bound to the workers' CPUs: {}", count,
                        fmt::join(pinned, ", ")),
            "move them away: taskset, cpuset, systemd's CPUAffinity"};
  }
  const bool isolated = Without(needs.worker_cores, Isolated(tree)).empty();
  if (wandering > 0 && !isolated) {
    return {Level::kWarn, "cpu-company",
            fmt::format("{} processes may run on the workers' CPUs", wandering),
            "isolate the CPUs (isolated-cpus)"};
  }
  return {Level::kOk, "cpu-company", "nobody else is bound to the workers' CPUs", ""};
}

Finding Governor(const MachineTree& tree, const SwitchNeeds& needs) {
  std::set<int> slow;
  bool scales = false;
  for (const int core : needs.worker_cores) {
    const auto governor =
        tree.Read(fmt::format("{}/cpu{}/cpufreq/scaling_governor", kSystemCpu, core));
    scales = scales || governor.has_value();
    if (governor && *governor != "performance") slow.insert(core);
  }
  if (!scales) return {Level::kOk, "cpu-governor", "the kernel does not scale frequencies", ""};
  if (slow.empty()) return {Level::kOk, "cpu-governor", "performance", ""};
  return {Level::kWarn, "cpu-governor",
          fmt::format("CPUs {} are not governed by performance", CpusText(slow)),
          fmt::format("cpupower -c {} frequency-set -g performance", CpusText(slow))};
}

}  // namespace

Findings ExamineCpus(const MachineTree& tree, const SwitchNeeds& needs) {
  Findings findings = {There(tree, needs)};
  if (needs.worker_cores.empty()) return findings;
  findings.push_back(NumaOfWorkers(tree, needs));
  for (Finding& finding : NumaOfDevices(tree, needs)) findings.push_back(std::move(finding));
  findings.push_back(Isolation(tree, needs));
  findings.push_back(Ticks(tree, needs));
  findings.push_back(Company(tree, needs));
  findings.push_back(Governor(tree, needs));
  return findings;
}

}  // namespace sluice::ctl
