#include "control/ctl/doctor/examine.h"

#include <fmt/format.h>

namespace sluice::ctl {

const char* NameOf(Level level) {
  switch (level) {
    case Level::kOk:
      return "ok";
    case Level::kWarn:
      return "warn";
    case Level::kFail:
      return "fail";
  }
  return "";
}

std::vector<std::pair<int, std::set<int>>> NumaNodes(const MachineTree& tree) {
  std::vector<std::pair<int, std::set<int>>> nodes;
  const std::string directory = "/sys/devices/system/node";
  for (const int node : tree.ReadCpus(directory + "/online")) {
    nodes.emplace_back(node, tree.ReadCpus(fmt::format("{}/node{}/cpulist", directory, node)));
  }
  if (nodes.empty()) nodes.emplace_back(0, tree.ReadCpus("/sys/devices/system/cpu/online"));
  return nodes;
}

Findings ExamineMachine(const MachineTree& tree, const SwitchNeeds& needs) {
  Findings all;
  const auto add = [&all](Findings more) { all.insert(all.end(), more.begin(), more.end()); };
  add(ExamineHugePages(tree, needs));
  add(ExamineCpus(tree, needs));
  add(ExamineDevices(tree, needs));
  add(ExamineSockets(tree, needs));
  add(ExamineCni(tree));
  add(ExamineLimits(tree));
  return all;
}

}  // namespace sluice::ctl
