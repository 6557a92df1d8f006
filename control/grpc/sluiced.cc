// sluiced: the switch. Builds the object graph, waits for a signal, takes it down in reverse.
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <string>

#include "control/controller.h"
#include "control/grpc/config.h"
#include "control/grpc/server.h"
#include "control/process.h"
#include "control/version.h"
#include "dataplane/eal.h"
#include "dataplane/switch.h"

namespace sluice::control {
namespace {

absl::Status Run(const Config& config) {
  DaemonFacts facts;
  facts.started = std::chrono::steady_clock::now();
  facts.worker_cores = config.data_plane.worker_cores;
  auto eal = dataplane::Eal::Start(config.eal);
  if (!eal.ok()) return eal.status();
  facts.huge_pages = (*eal)->huge_pages();
  auto data_plane = dataplane::Switch::Create(config.data_plane);
  if (!data_plane.ok()) return data_plane.status();
  auto controller = Controller::Create(**data_plane, config.publisher);
  if (!controller.ok()) return controller.status();
  auto server = Server::Start(config.listen, **controller, **data_plane, facts);
  if (!server.ok()) return server.status();

  spdlog::info("sluiced {} ready: node \"{}\", {}, {} workers, {} huge pages", kVersion,
               config.node, config.listen, facts.worker_cores.size(),
               facts.huge_pages ? "with" : "without");
  const int received = WaitForStopSignal();
  spdlog::info("signal {}: stopping", received);
  return absl::OkStatus();
}

}  // namespace
}  // namespace sluice::control

int main(int argc, char** argv) {
  namespace control = sluice::control;
  const control::CommandLine command_line = control::ParseCommandLine(argc, argv);
  if (!command_line.config) return command_line.exit_code;
  control::BlockStopSignals();
  control::StartLogging("sluiced", command_line.config->log_level);
  const absl::Status status = control::Run(*command_line.config);
  if (!status.ok()) {
    spdlog::critical("{}", std::string(status.message()));
    return 1;
  }
  spdlog::info("stopped");
  return 0;
}
