// sluicectl top: how busy the workers are, and where their cycles go.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/output.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::ctl {
namespace {

struct TopArguments {
  double interval = 1;
  unsigned count = 0;  // 0: until interrupted
};

std::string Cell(double value, int digits = 0) { return fmt::format("{:.{}f}", value, digits); }

void PrintScreen(const v1::LoadSample& sample) {
  if (isatty(STDOUT_FILENO) != 0) fmt::print("\x1b[H\x1b[J");  // home, clear
  fmt::print("workers over {:.1f} s\n", sample.seconds());
  Table load({"WORKER", "CORE", "BUSY", "PACKETS/S", "CLASSIFIED/S", "LOOPS/S", "EMPTY/S",
              "SLEEPS/S", "CYCLES/PACKET"});
  for (const v1::WorkerLoad& worker : sample.workers()) {
    load.Add({fmt::to_string(worker.worker()), fmt::to_string(worker.core()),
              Cell(100 * worker.busy(), 1) + "%", Cell(worker.packets_per_second()),
              Cell(worker.classified_per_second()), Cell(worker.loops_per_second()),
              Cell(worker.empty_loops_per_second()), Cell(worker.sleeps_per_second()),
              Cell(worker.cycles_per_packet())});
  }
  load.Print();
  fmt::print("\ncycles a packet by stage, of sampled bursts\n");
  Table stages({"WORKER", "STAGE", "CYCLES/PACKET"});
  for (const v1::WorkerLoad& worker : sample.workers()) {
    for (const v1::StageLoad& stage : worker.stages()) {
      stages.Add(
          {fmt::to_string(worker.worker()), stage.stage(), Cell(stage.cycles_per_packet(), 1)});
    }
  }
  stages.Print();
}

ExitCode Top(const GlobalOptions& options, const TopArguments& arguments) {
  v1::WatchLoadRequest request;
  request.set_interval_seconds(arguments.interval);
  unsigned shown = 0;
  const absl::Status status =
      Listen<v1::DiagnosticsService>(options.server, &v1::DiagnosticsService::Stub::WatchLoad,
                                     request, [&](const v1::LoadSample& sample) {
                                       if (options.json()) {
                                         PrintJsonLine(sample);
                                       } else {
                                         PrintScreen(sample);
                                       }
                                       return fflush(stdout) == 0 && ++shown != arguments.count;
                                     });
  if (status.ok()) return kOk;
  return Report(status, absl::IsInvalidArgument(status) ? kBadInput : kRefused);
}

}  // namespace

void AddTop(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<TopArguments>();
  CLI::App* command = app.add_subcommand("top", "load per worker and cycles per stage, refreshed");
  command->add_option("--interval", arguments->interval, "seconds")->capture_default_str();
  command->add_option("--count", arguments->count, "leave after so many; 0: never")
      ->capture_default_str();
  command->callback([=, &options] { *exit_code = Top(options, *arguments); });
}

}  // namespace sluice::ctl
