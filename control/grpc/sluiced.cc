// sluiced: the switch. Builds the object graph, waits for a signal, takes it down in reverse.
#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "control/controller.h"
#include "control/database_files.h"
#include "control/event_log.h"
#include "control/grpc/config.h"
#include "control/grpc/saved_state.h"
#include "control/grpc/server.h"
#include "control/grpc/state_keeper.h"
#include "control/monitor.h"
#include "control/page_server.h"
#include "control/process.h"
#include "control/source_metrics.h"
#include "control/source_reports.h"
#include "control/switch_metrics.h"
#include "control/version.h"
#include "dataplane/eal.h"
#include "dataplane/switch.h"

namespace sluice::control {
namespace {

// Null: there is to be none.
absl::StatusOr<std::unique_ptr<StateKeeper>> OpenState(const std::string& directory) {
  if (directory.empty()) return nullptr;
  return StateKeeper::Open(directory);
}

absl::Status RestoreState(StateKeeper& keeper, Controller& controller) {
  const auto problems = Restore(keeper.objects(), keeper.ports(), controller);
  if (!problems.ok()) return problems.status();
  for (const std::string& problem : *problems) spdlog::error("not restored: {}", problem);
  if (!problems->empty()) keeper.KeepAside();
  const std::shared_ptr<const View> view = controller.view();
  keeper.Begin(view);
  spdlog::info("restored: {} ports, {} endpoints, {} policies", view->state->ports().specs().size(),
               view->state->endpoints().size(), view->state->policy_count());
  return absl::OkStatus();
}

// Whoever deleted a port while it was restored got no answer, and left word.
void DeletePortsOf(const StateKeeper& keeper, Controller& controller) {
  for (const std::string& port : keeper.DeletedMeanwhile()) {
    const absl::Status deleted = controller.Execute(DeletePortCommand{port}).status();
    if (deleted.ok() || absl::IsNotFound(deleted)) {
      keeper.ForgetDeletion(port);
    } else {
      spdlog::error("{}", std::string(deleted.message()));
    }
  }
}

// Null: there is to be none.
absl::StatusOr<std::unique_ptr<EventLog>> StartEventLog(const EventLogConfig& config,
                                                        Monitor& monitor) {
  if (config.file.empty()) return nullptr;
  return EventLog::Start(config, monitor);
}

// Null: there is to be none. `log` may be null.
absl::StatusOr<std::unique_ptr<PageServer>> StartMetrics(
    const std::string& address, const Controller& controller, const dataplane::Switch& data_plane,
    const DaemonFacts& facts, const SourceReports& sources, const EventLog* log) {
  if (address.empty()) return nullptr;
  PageServer::Pages pages;
  pages["/metrics"] = [&, log] {
    const prometheus::TextSerializer serializer;
    std::string text = serializer.Serialize(MetricsOf(*controller.view(), data_plane, facts)) +
                       serializer.Serialize(SourceMetricsOf(sources));
    if (log != nullptr) text += serializer.Serialize(EventLogMetricsOf(*log));
    return Page{200, kMetricsType, text};
  };
  return PageServer::Start("metrics address", address, std::move(pages));
}

// Null: what is compiled is forgotten at the end, as everything is.
absl::StatusOr<std::unique_ptr<DatabaseFiles>> OpenDatabases(const std::string& state_directory) {
  if (state_directory.empty()) return nullptr;
  return DatabaseFiles::Open(state_directory + "/patterns");
}

absl::Status Run(const Config& config) {
  DaemonFacts facts;
  facts.started = std::chrono::steady_clock::now();
  facts.worker_cores = config.data_plane.worker_cores;
  auto eal = dataplane::Eal::Start(config.eal);
  if (!eal.ok()) return eal.status();
  facts.huge_pages = (*eal)->huge_pages();
  auto data_plane = dataplane::Switch::Create(config.data_plane);
  if (!data_plane.ok()) return data_plane.status();
  auto keeper = OpenState(config.state_directory);
  if (!keeper.ok()) return keeper.status();
  auto databases = OpenDatabases(config.state_directory);
  if (!databases.ok()) return databases.status();
  PublisherConfig publisher = config.publisher;
  publisher.build_limits.databases = databases->get();
  publisher.build_limits.workers = (*data_plane)->worker_count();
  auto controller = Controller::Create(**data_plane, publisher, keeper->get());
  if (!controller.ok()) return controller.status();
  if (*keeper) {
    const absl::Status restored = RestoreState(**keeper, **controller);
    if (!restored.ok()) return restored;
  }
  SourceReports sources(std::chrono::steady_clock::now);
  Monitor monitor(**data_plane, [&] { return (*controller)->view(); });
  const auto event_log = StartEventLog(config.event_log, monitor);
  if (!event_log.ok()) return event_log.status();
  auto server = Server::Start(config.listen, **controller, **data_plane, monitor, facts, sources);
  if (!server.ok()) return server.status();
  if (*keeper) DeletePortsOf(**keeper, **controller);
  const auto metrics =
      StartMetrics(config.metrics, **controller, **data_plane, facts, sources, event_log->get());
  if (!metrics.ok()) return metrics.status();

  spdlog::info("sluiced {} ready: node \"{}\", {}, {} workers, {} huge pages, metrics port {}",
               kVersion, config.node, config.listen, facts.worker_cores.size(),
               facts.huge_pages ? "with" : "without", *metrics ? (*metrics)->port() : 0);
  const int received = WaitForStopSignal();
  spdlog::info("signal {}: stopping", received);
  return absl::OkStatus();
}

}  // namespace
}  // namespace sluice::control

namespace {

// A connected vhost-user port: two sockets, a directory, two eventfds for each ring, a memory
// region or two.
constexpr uint64_t kFilesPerPort = 10;
constexpr uint64_t kEnoughFiles = kFilesPerPort * 256;

}  // namespace

int main(int argc, char** argv) {
  namespace control = sluice::control;
  const control::CommandLine command_line = control::ParseCommandLine(argc, argv);
  if (!command_line.config) return command_line.exit_code;
  control::BlockStopSignals();
  control::KeepLargeBlocksApart();
  control::StartLogging("sluiced", command_line.config->log_level);
  const uint64_t files = control::RaiseFileLimit();
  if (files < kEnoughFiles) {
    spdlog::warn("{} open files at most: enough for {} vhost-user ports (ulimit -n, LimitNOFILE=)",
                 files, files / kFilesPerPort);
  }
  const absl::Status status = control::Run(*command_line.config);
  if (!status.ok()) {
    spdlog::critical("{}", std::string(status.message()));
    return 1;
  }
  spdlog::info("stopped");
  return 0;
}
