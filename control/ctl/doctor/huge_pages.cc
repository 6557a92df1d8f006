#include <fmt/format.h>

#include "control/ctl/doctor/examine.h"

namespace sluice::ctl {
namespace {

struct Pages {
  unsigned long reserved = 0, free = 0;
};

constexpr size_t kPageMb = 2;

// Below /sys/kernel/mm, or below a NUMA node.
Pages ReadPages(const MachineTree& tree, const std::string& above, int size_kb) {
  const std::string directory = fmt::format("{}/hugepages/hugepages-{}kB", above, size_kb);
  return {tree.ReadNumber(directory + "/nr_hugepages").value_or(0),
          tree.ReadNumber(directory + "/free_hugepages").value_or(0)};
}

std::string Text(const Pages& small, const Pages& large) {
  std::string text = fmt::format("{} of 2 MiB reserved, {} free", small.reserved, small.free);
  if (large.reserved > 0) {
    text += fmt::format("; {} of 1 GiB reserved, {} free", large.reserved, large.free);
  }
  return text;
}

Finding Total(const MachineTree& tree, const SwitchNeeds& needs) {
  const Pages small = ReadPages(tree, "/sys/kernel/mm", 2048);
  const Pages large = ReadPages(tree, "/sys/kernel/mm", 1048576);
  const size_t needed = (needs.memory_mb + kPageMb - 1) / kPageMb;
  const std::string text = Text(small, large);
  if (small.reserved == 0) {
    return {Level::kWarn, "huge-pages", text,
            fmt::format("the switch runs without, slower; reserve some: sysctl -w "
                        "vm.nr_hugepages={} (and in /etc/sysctl.d), then restart sluiced and the "
                        "kubelet",
                        2 * needed)};
  }
  const unsigned long at_hand = needs.running ? small.reserved : small.free;
  if (at_hand < needed) {
    return {Level::kFail, "huge-pages", text,
            fmt::format("{} MB of the switch need {} pages: sysctl -w vm.nr_hugepages={}",
                        needs.memory_mb, needed, small.reserved - at_hand + needed)};
  }
  return {Level::kOk, "huge-pages", text, ""};
}

bool HasWorker(const std::set<int>& cpus, const SwitchNeeds& needs) {
  for (const int core : needs.worker_cores) {
    if (cpus.contains(core)) return true;
  }
  return false;
}

Findings ByNode(const MachineTree& tree, const SwitchNeeds& needs) {
  const auto nodes = NumaNodes(tree);
  if (nodes.size() < 2) return {};
  Findings findings;
  for (const auto& [node, cpus] : nodes) {
    const Pages pages = ReadPages(tree, fmt::format("/sys/devices/system/node/node{}", node), 2048);
    const std::string text =
        fmt::format("node {}: {} reserved, {} free", node, pages.reserved, pages.free);
    if (HasWorker(cpus, needs) && pages.reserved == 0) {
      findings.push_back(
          {Level::kFail, "huge-pages-numa", text,
           fmt::format("workers run on this node and would use another one's memory: echo 512 > "
                       "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/nr_hugepages",
                       node)});
    } else {
      findings.push_back({Level::kOk, "huge-pages-numa", text, ""});
    }
  }
  return findings;
}

Finding Mount(const MachineTree& tree) {
  const std::string mounts = tree.Read("/proc/mounts").value_or("");
  if (mounts.find(" hugetlbfs ") != std::string::npos) {
    return {Level::kOk, "huge-pages-mount", "hugetlbfs is mounted", ""};
  }
  return {Level::kWarn, "huge-pages-mount", "no hugetlbfs is mounted",
          "the switch needs none, DPDK pods and --connection-file on huge pages do: mount -t "
          "hugetlbfs none /dev/hugepages"};
}

}  // namespace

Findings ExamineHugePages(const MachineTree& tree, const SwitchNeeds& needs) {
  Findings findings = {Total(tree, needs)};
  for (Finding& finding : ByNode(tree, needs)) findings.push_back(std::move(finding));
  findings.push_back(Mount(tree));
  return findings;
}

}  // namespace sluice::ctl
