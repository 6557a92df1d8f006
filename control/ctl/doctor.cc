// sluicectl doctor: is this node fit for the switch, and what to do where it is not.
#include "control/ctl/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "control/ctl/client.h"
#include "control/ctl/doctor/examine.h"
#include "control/ctl/doctor/reach.h"
#include "control/ctl/output.h"
#include "control/kube/watch/api_access.h"
#include "sluice/v1/diagnostics.grpc.pb.h"
#include "sluice/v1/port.grpc.pb.h"

namespace sluice::ctl {
namespace {

constexpr std::chrono::milliseconds kPatience{2000};

// What a configuration file of sluiced says of the machine. Errors: CLI::FileError.
void ReadConfig(const std::string& path, SwitchNeeds& needs) {
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(path)) {
    for (const std::string& value : item.inputs) {
      size_t number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);
      if (item.name == "memory") needs.memory_mb = number;
      const bool cores = item.name == "worker-cores" || item.name == "spare-cores";
      if (cores) needs.worker_cores.insert(static_cast<int>(number));
      if (item.name == "pci") needs.pci.push_back(value.substr(0, value.find(',')));
    }
  }
}

// The PCI devices and sockets behind the ports of the running switch.
void AddPorts(const v1::ListPortsResponse& ports, SwitchNeeds& needs) {
  for (const v1::PortStatus& port : ports.ports()) {
    const v1::PortSpec& spec = port.spec();
    if (spec.kind() == "vhost-server") needs.sockets.push_back(spec.path());
    if (spec.kind() == "memif-server") {
      needs.sockets.push_back(spec.path().substr(0, spec.path().rfind('#')));
    }
    if (spec.kind() == "pci" || spec.kind() == "representor") {
      needs.pci.push_back(spec.path().substr(0, spec.path().find('/')));
    }
  }
}

// Asks the running switch; what it says goes into `needs`.
Finding AskSwitch(const GlobalOptions& options, SwitchNeeds& needs) {
  v1::GetStatusResponse status;
  v1::ListPortsResponse ports;
  absl::Status good = Call<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::GetStatus, v1::GetStatusRequest(), &status);
  if (good.ok()) {
    good = Call<v1::PortService>(options.server, &v1::PortService::Stub::ListPorts,
                                 v1::ListPortsRequest(), &ports);
  }
  if (!good.ok()) {
    return {Level::kFail, "sluiced", std::string(good.message()),
            "start it; its log says why it stopped"};
  }
  needs.running = status.huge_pages();
  if (needs.worker_cores.empty()) {
    for (const v1::WorkerStatus& worker : status.workers()) {
      needs.worker_cores.insert(worker.core());
    }
  }
  AddPorts(ports, needs);
  const std::string what =
      fmt::format("sluiced {} answers, {} ports", status.version(), status.ports());
  if (status.last_error().empty()) return {Level::kOk, "sluiced", what, ""};
  return {Level::kFail, "sluiced", what + "; the newest state is not in force",
          status.last_error()};
}

Finding AskKubernetes(const std::string& kubeconfig) {
  const auto access = kubeconfig.empty() ? control::InClusterAccess(std::getenv)
                                         : control::ReadKubeconfig(kubeconfig);
  if (!access.ok()) {
    const Level level = kubeconfig.empty() ? Level::kWarn : Level::kFail;
    return {level, "kubernetes-api", std::string(access.status().message()),
            "say where it is: --kubeconfig FILE"};
  }
  const std::string fault = TryReach(access->server, kPatience);
  if (fault.empty()) {
    return {Level::kOk, "kubernetes-api", access->server + " accepts connections", ""};
  }
  return {Level::kFail, "kubernetes-api", access->server + ": " + fault,
          "routes, firewalls, the address in the kubeconfig"};
}

ExitCode Doctor(const GlobalOptions& options, const DoctorArguments& arguments) {
  const Findings findings = Examine(options, arguments);
  const std::string text = options.json() ? FindingsJson(findings) : FindingsText(findings);
  fputs(text.c_str(), stdout);
  const bool fails = std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.level == Level::kFail; });
  return fails ? kUnfit : kOk;
}

}  // namespace

Findings Examine(const GlobalOptions& options, const DoctorArguments& arguments) {
  SwitchNeeds needs;
  if (!arguments.config.empty()) ReadConfig(arguments.config, needs);
  if (!arguments.worker_cores.empty()) {
    needs.worker_cores = {arguments.worker_cores.begin(), arguments.worker_cores.end()};
  }
  needs.pci.insert(needs.pci.end(), arguments.pci.begin(), arguments.pci.end());
  if (options.server.starts_with("unix:")) {
    const size_t slashes = options.server.starts_with("unix://") ? 2 : 0;
    needs.grpc_socket = options.server.substr(std::strlen("unix:") + slashes);
  }
  const Finding daemon = AskSwitch(options, needs);
  std::ranges::sort(needs.pci);
  needs.pci.erase(std::ranges::unique(needs.pci).begin(), needs.pci.end());
  Findings findings = ExamineMachine(MachineTree(arguments.root), needs);
  findings.push_back(daemon);
  findings.push_back(AskKubernetes(arguments.kubeconfig));
  return findings;
}

std::string FindingsJson(const Findings& findings) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"level", NameOf(finding.level)},
                    {"check", finding.check},
                    {"what", finding.what},
                    {"advice", finding.advice}});
  }
  const nlohmann::ordered_json all = {{"findings", std::move(list)}};
  return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string FindingsText(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{:<4}  {:<18}  {}\n", NameOf(finding.level), finding.check, finding.what);
    if (!finding.advice.empty()) text += fmt::format("{:26}-> {}\n", "", finding.advice);
  }
  return text;
}

void AddDoctorOptions(CLI::App& command, DoctorArguments& arguments) {
  command
      .add_option("--root", arguments.root,
                  "directory that has the machine's /sys, /proc, /etc, /dev, /opt, /run")
      ->check(CLI::ExistingDirectory);
  command.add_option("--kubeconfig", arguments.kubeconfig,
                     "leads to the API server; without it, a pod's service account");
  command.add_option("--config", arguments.config, "configuration file of sluiced")
      ->check(CLI::ExistingFile);
  command
      .add_option("--worker-cores", arguments.worker_cores,
                  "CPUs of the workers; without it, those of sluiced")
      ->delimiter(',')
      ->check(CLI::Range(0, 4095));
  command.add_option("--pci", arguments.pci, "address of a PCI device that ports are to be on")
      ->delimiter(',');
}

void AddDoctor(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<DoctorArguments>();
  CLI::App* command =
      app.add_subcommand("doctor", "whether this node is fit for the switch, and what to do");
  AddDoctorOptions(*command, *arguments);
  command->callback([=, &options] { *exit_code = Doctor(options, *arguments); });
}

}  // namespace sluice::ctl
