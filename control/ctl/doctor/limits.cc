#include <fmt/format.h>

#include <cctype>
#include <sstream>

#include "control/ctl/doctor/examine.h"

namespace sluice::ctl {
namespace {

constexpr unsigned long kFilesAPort = 10;
constexpr unsigned long kEnoughFiles = kFilesAPort * 256;

// "sluiced (123)" and its /proc directory, or this process's.
std::pair<std::string, std::string> WhoseLimits(const MachineTree& tree) {
  for (const std::string& pid : tree.List("/proc")) {
    if (std::isdigit(static_cast<unsigned char>(pid[0])) == 0) continue;
    if (tree.Read("/proc/" + pid + "/comm") == "sluiced") {
      return {fmt::format("sluiced ({})", pid), "/proc/" + pid};
    }
  }
  return {"this process", "/proc/self"};
}

// The soft limit: "unlimited" or a number; empty: the file has none of that name.
std::string LimitOf(const std::string& limits, const std::string& name) {
  const size_t at = limits.find(name);
  if (at == std::string::npos) return "";
  std::istringstream rest(limits.substr(at + name.size()));
  std::string value;
  rest >> value;
  return value;
}

Finding Files(const std::string& who, const std::string& limit) {
  const std::string text = fmt::format("{}: {} open files", who, limit);
  if (limit == "unlimited" || std::strtoul(limit.c_str(), nullptr, 10) >= kEnoughFiles) {
    return {Level::kOk, "open-files", text, ""};
  }
  return {Level::kWarn, "open-files", text,
          fmt::format("enough for {} vhost-user ports: LimitNOFILE=65536, ulimit -n 65536",
                      std::strtoul(limit.c_str(), nullptr, 10) / kFilesAPort)};
}

Finding LockedMemory(const std::string& who, const std::string& limit) {
  const std::string text = fmt::format("{}: {} bytes of locked memory", who, limit);
  if (limit == "unlimited" || std::strtoul(limit.c_str(), nullptr, 10) >= 1ul << 30) {
    return {Level::kOk, "locked-memory", text, ""};
  }
  return {Level::kWarn, "locked-memory", text,
          "vfio and AF_XDP lock what they use, unless CAP_IPC_LOCK: LimitMEMLOCK=infinity"};
}

}  // namespace

Findings ExamineLimits(const MachineTree& tree) {
  const auto [who, directory] = WhoseLimits(tree);
  const auto limits = tree.Read(directory + "/limits");
  if (!limits) {
    return {
        {Level::kWarn, "open-files", "the limits of " + who + " cannot be read", "run it as root"}};
  }
  return {Files(who, LimitOf(*limits, "Max open files")),
          LockedMemory(who, LimitOf(*limits, "Max locked memory"))};
}

}  // namespace sluice::ctl
