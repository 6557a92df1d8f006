// sluice-cni: what the kubelet, Multus or another runtime calls to attach a pod to the switch.
// docs/cni.md says how.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "control/cni/attachment_store.h"
#include "control/cni/cni_args.h"
#include "control/cni/cni_error.h"
#include "control/cni/cni_version.h"
#include "control/cni/commands.h"
#include "control/cni/daemon_client.h"
#include "control/cni/ipam.h"
#include "control/cni/machine.h"
#include "control/cni/net_config.h"
#include "control/kube/file.h"

namespace sluice::cni {
namespace {

constexpr size_t kMaxInputBytes = size_t{1} << 20;

Environment ReadEnvironment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string pair = *entry;
    const size_t equals = pair.find('=');
    if (equals != std::string::npos) environment[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return environment;
}

// Null: the command says nothing.
absl::StatusOr<nlohmann::json> Run(const Args& args, const NetConfig& config) {
  const AttachmentStore store(config.state_directory);
  const Ipam ipam(config, args);
  const auto daemon = MakeDaemonClient(config.daemon, config.timeout);
  const Machine machine = ThisMachine();
  const Call call{args, config, store, ipam, *daemon, machine};
  if (args.command == "ADD") {
    const auto result = Add(call);
    if (!result.ok()) return result.status();
    return ToJson(*result, config.version);
  }
  const absl::Status status = args.command == "DEL"     ? Delete(call)
                              : args.command == "CHECK" ? Check(call)
                              : args.command == "GC"    ? CollectGarbage(call)
                                                        : Status(call);
  if (!status.ok()) return status;
  return nullptr;
}

nlohmann::json Version(const std::string& version) {
  return {{"cniVersion", version}, {"supportedVersions", kVersions}};
}

absl::StatusOr<nlohmann::json> Answer(const std::string& input) {
  const auto args = ReadArgs(ReadEnvironment());
  if (!args.ok()) return args.status();
  if (args->command == "VERSION") return Version(AskedVersionOf(input));
  const auto config = ReadNetConfig(input, args->command);
  if (!config.ok()) return config.status();
  return Run(*args, *config);
}

int Main() {
  signal(SIGPIPE, SIG_IGN);
  umask(0022);
  const auto input = control::ReadFile("-", kMaxInputBytes);
  const std::string text = input.ok() ? *input : "";
  absl::StatusOr<nlohmann::json> answer =
      input.ok() ? Answer(text)
                 : Fail(kIo, "standard input: " + std::string(input.status().message()));
  const nlohmann::json out = answer.ok() ? *answer : ErrorToJson(answer.status(), VersionOf(text));
  if (!out.is_null()) {
    // Whatever bytes a key held, an error can be printed.
    std::puts(out.dump(4, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }
  return answer.ok() ? 0 : 1;
}

}  // namespace
}  // namespace sluice::cni

int main() { return sluice::cni::Main(); }
