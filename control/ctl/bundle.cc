// sluicectl support-bundle: what a maintainer needs to understand a node, in one file, without
// secrets (control/ctl/redact.h).
//
// Pods' annotations are not in it: the daemon does not hold them.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string_view>

#include "control/ctl/bundle_file.h"
#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/doctor.h"
#include "control/ctl/output.h"
#include "control/ctl/redact.h"
#include "control/version.h"
#include "sluice/v1/diagnostics.grpc.pb.h"
#include "sluice/v1/policy.grpc.pb.h"
#include "sluice/v1/port.grpc.pb.h"

namespace sluice::ctl {
namespace {

constexpr std::streamoff kLogTail = 1 << 20;

struct BundleArguments {
  std::string file;
  std::vector<std::string> logs;
  DoctorArguments doctor;
};

using Files = std::map<std::string, std::string>;

// What the daemon answers, or why it does not.
template <typename Service, typename Request, typename Response>
std::string Answer(const GlobalOptions& options,
                   grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                         Response*),
                   const Request& request = {}) {
  Response response;
  const absl::Status status = Call<Service>(options.server, method, request, &response);
  return status.ok() ? JsonText(response) : std::string(status.message()) + "\n";
}

std::string Objects(const GlobalOptions& options, const char* kind) {
  v1::ListRequest request;
  request.set_kind(kind);
  return Answer<v1::PolicyService>(options, &v1::PolicyService::Stub::List, request);
}

// One second of the workers.
std::string Load(const GlobalOptions& options) {
  v1::WatchLoadRequest request;
  request.set_interval_seconds(1);
  std::string text;
  const absl::Status status =
      Listen<v1::DiagnosticsService>(options.server, &v1::DiagnosticsService::Stub::WatchLoad,
                                     request, [&text](const v1::LoadSample& sample) {
                                       text = JsonText(sample);
                                       return false;
                                     });
  return status.ok() ? text : std::string(status.message()) + "\n";
}

// The last megabyte; or why not.
std::string Tail(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return path + " cannot be read\n";
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kLogTail));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What Sluice's own programs, DPDK and clients of Kubernetes look at; others may hold secrets under
// any name.
std::string Environment() {
  constexpr std::string_view kOurs[] = {
      "SLUICE_", "NODE_NAME=", "KUBERNETES_SERVICE_", "XDG_RUNTIME_DIR=", "PATH=", "LANG=", "LC_"};
  std::string text;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    const bool ours = std::ranges::any_of(
        kOurs, [&](std::string_view begin) { return variable.starts_with(begin); });
    if (ours) text += std::string(variable) + "\n";
  }
  return text;
}

Files Collect(const GlobalOptions& options, const BundleArguments& arguments) {
  using Diagnostics = v1::DiagnosticsService;
  Files files;
  files["version.txt"] = fmt::format("sluicectl {}\n", control::kVersion);
  files["environment.txt"] = Environment();
  files["doctor.json"] = FindingsJson(Examine(options, arguments.doctor));
  files["status.json"] = Answer<Diagnostics>(options, &Diagnostics::Stub::GetStatus);
  files["drops.json"] = Answer<Diagnostics>(options, &Diagnostics::Stub::GetDrops);
  files["policy-cost.json"] = Answer<Diagnostics>(options, &Diagnostics::Stub::GetPolicyCost);
  files["load.json"] = Load(options);
  files["ports.json"] = Answer<v1::PortService>(options, &v1::PortService::Stub::ListPorts);
  files["networks.json"] =
      Answer<v1::NetworkService>(options, &v1::NetworkService::Stub::ListNetworks);
  files["policies.json"] = Objects(options, "Policy");
  files["endpoints.json"] = Objects(options, "Endpoint");
  if (!arguments.doctor.config.empty()) files["config.toml"] = Tail(arguments.doctor.config);
  for (size_t i = 0; i < arguments.logs.size(); ++i) {
    files[fmt::format("log-{}.txt", i)] = Tail(arguments.logs[i]);
  }
  return files;
}

ExitCode Bundle(const GlobalOptions& options, const BundleArguments& arguments) {
  Files files;
  for (const auto& [name, text] : Collect(options, arguments)) {
    files["sluice-support/" + name] = Redact(text);
  }
  const absl::Status status = WriteArchive(arguments.file, files);
  if (!status.ok()) return Report(status, kRefused);
  fmt::print("{}: {} files; look at them before you send them\n", arguments.file, files.size());
  return kOk;
}

}  // namespace

void AddBundle(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<BundleArguments>();
  CLI::App* command = app.add_subcommand(
      "support-bundle", "what a maintainer needs to understand this node, without secrets");
  command->add_option("FILE", arguments->file, "the .tar.gz to write")->required();
  command->add_option("--log", arguments->logs, "log file whose last megabyte goes in")
      ->check(CLI::ExistingFile);
  AddDoctorOptions(*command, arguments->doctor);
  command->callback([=, &options] { *exit_code = Bundle(options, *arguments); });
}

}  // namespace sluice::ctl
