#include <fmt/format.h>

#include <algorithm>

#include "control/ctl/doctor/examine.h"

namespace sluice::ctl {
namespace {

// Where sluice-cni puts the sockets of pods unless it is told another place.
constexpr char kPodSockets[] = "/run/sluice/pods";

Finding Grpc(const MachineTree& tree, const std::string& path) {
  if (path.empty()) {
    return {Level::kWarn, "grpc-socket", "the server's address is no unix socket",
            "--server unix:///PATH"};
  }
  const auto status = tree.Stat(path);
  if (!status) {
    return {Level::kFail, "grpc-socket", path + " is not there", "start sluiced, or say --server"};
  }
  const std::string text = fmt::format("{}: mode {:04o}", path, status->st_mode & 07777u);
  if (!S_ISSOCK(status->st_mode)) {
    return {Level::kFail, "grpc-socket", path + " is no socket",
            "sluiced --listen says where it is"};
  }
  if ((status->st_mode & 077u) != 0) {
    return {Level::kFail, "grpc-socket", text + ": others may steer the switch",
            "chmod 0600 " + path};
  }
  return {Level::kOk, "grpc-socket", text, ""};
}

Finding Pods(const MachineTree& tree, const std::vector<std::string>& sockets) {
  size_t gone = 0;
  std::string open;
  for (const std::string& path : sockets) {
    const auto status = tree.Stat(path);
    if (!status) ++gone;
    if (status && (status->st_mode & 02u) != 0) open = path;
  }
  if (gone > 0) {
    return {Level::kFail, "vhost-sockets",
            fmt::format("{} of {} sockets are not there", gone, sockets.size()),
            "somebody deleted them: delete the pods, so that they get new ones"};
  }
  if (!open.empty()) {
    return {Level::kFail, "vhost-sockets", "everybody may write to " + open,
            "chmod o-w; the CNI configuration's socketMode and socketGroup set its rights"};
  }
  return {Level::kOk, "vhost-sockets", fmt::format("{} sockets, none open to all", sockets.size()),
          ""};
}

Finding PodDirectory(const MachineTree& tree) {
  const auto status = tree.Stat(kPodSockets);
  if (!status) return {Level::kOk, "vhost-directory", "none yet", ""};
  const std::string text = fmt::format("{}: mode {:04o}", kPodSockets, status->st_mode & 07777u);
  if ((status->st_mode & 02u) == 0) return {Level::kOk, "vhost-directory", text, ""};
  return {Level::kFail, "vhost-directory", text + ": everybody may put sockets there",
          std::string("chmod o-w ") + kPodSockets};
}

}  // namespace

Findings ExamineSockets(const MachineTree& tree, const SwitchNeeds& needs) {
  return {Grpc(tree, needs.grpc_socket), Pods(tree, needs.sockets), PodDirectory(tree)};
}

Findings ExamineCni(const MachineTree& tree) {
  Findings findings;
  const auto plugin = tree.Stat("/opt/cni/bin/sluice-cni");
  if (!plugin) {
    findings.push_back({Level::kWarn, "cni-plugin", "/opt/cni/bin/sluice-cni is not there",
                        "pods get no ports: install it (docs/install.md)"});
  } else if ((plugin->st_mode & 0111u) == 0) {
    findings.push_back({Level::kFail, "cni-plugin", "/opt/cni/bin/sluice-cni is not executable",
                        "chmod 0755 /opt/cni/bin/sluice-cni"});
  } else {
    findings.push_back({Level::kOk, "cni-plugin", "/opt/cni/bin/sluice-cni", ""});
  }
  const std::vector<std::string> names = tree.List("/etc/cni/net.d");
  const auto configures = [](const std::string& name) {
    return name.ends_with(".conf") || name.ends_with(".conflist") || name.ends_with(".json");
  };
  if (std::ranges::none_of(names, configures)) {
    findings.push_back({Level::kWarn, "cni-configuration", "no network in /etc/cni/net.d",
                        "the kubelet stays not ready: install a primary CNI, and Multus for more "
                        "networks"});
  } else {
    const auto first = std::ranges::find_if(names, configures);
    findings.push_back({Level::kOk, "cni-configuration", "the first is " + *first, ""});
  }
  return findings;
}

}  // namespace sluice::ctl
