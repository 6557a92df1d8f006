// sluicectl status, drops: how the daemon is doing.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/output.h"
#include "control/ctl/source_text.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::ctl {
namespace {

void PrintStatus(const v1::GetStatusResponse& status) {
  fmt::print("sluiced {}, epoch {}, up {:.0f} s, huge pages {}\n", status.version(), status.epoch(),
             status.uptime_seconds(), status.huge_pages() ? "on" : "off");
  if (status.mode() == "observe") {
    fmt::print("MODE OBSERVE: NOTHING IS DROPPED BY POLICY (sluicectl mode enforce)\n");
  }
  fmt::print("{} connections, {} of {} ports, {} of {} DPDK devices, {} of {} packet buffers\n",
             status.connections(), status.ports(), status.port_slots(), status.devices(),
             status.device_slots(), status.buffers_in_use(), status.packet_buffers());
  fmt::print(
      "{} policies, {} endpoints, {} namespaces -> {} classes, {} rules, compiled in {:.3f} s\n",
      status.policies(), status.endpoints(), status.namespaces(), status.classes(),
      status.flat_rules(), status.last_compile_seconds());
  for (const auto& [source, version] : status.synced_versions()) {
    fmt::print("synced with {} at {}\n", source, version);
  }
  for (const v1::SourceStatus& source : status.sources()) {
    fputs(SourceText(source).c_str(), stdout);
  }
  if (!status.last_error().empty()) {
    fmt::print("THE NEWEST STATE IS NOT IN FORCE: {}\n", status.last_error());
  }
  if (status.failed_builds() > 0) fmt::print("{} builds failed\n", status.failed_builds());
  for (const std::string& warning : status.warnings()) fmt::print("warning: {}\n", warning);
  Table table({"WORKER", "CORE", "PORTS", "BUSY", "PACKETS", "CLASSIFIED", "CREATED", "REMOVED"});
  for (const v1::WorkerStatus& worker : status.workers()) {
    const double busy = worker.loops() == 0 ? 0 : 100.0 * worker.busy_loops() / worker.loops();
    table.Add({fmt::to_string(worker.worker()), fmt::to_string(worker.core()),
               worker.at_rest() ? "at rest" : fmt::to_string(worker.ports()),
               fmt::format("{:.1f}%", busy), fmt::to_string(worker.packets()),
               fmt::to_string(worker.classified()), fmt::to_string(worker.connections_created()),
               fmt::to_string(worker.connections_removed())});
  }
  table.Print();
}

ExitCode Status(const GlobalOptions& options) {
  v1::GetStatusResponse response;
  const absl::Status status = Call<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::GetStatus, v1::GetStatusRequest(), &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    PrintStatus(response);
  }
  return kOk;
}

std::string PoliciesText(const v1::DropCount& drop) {
  const std::string policies = fmt::format("{}", fmt::join(drop.policies(), ","));
  return policies.empty() || drop.in_force() ? policies : policies + " (gone)";
}

std::string MeaningOf(const v1::DropCount& drop) {
  if (drop.observed()) return "would be " + drop.text();
  if (drop.audited()) return "audited: would be " + drop.text();
  return drop.rejected() ? drop.text() + ", sender told" : drop.text();
}

ExitCode Drops(const GlobalOptions& options) {
  v1::GetDropsResponse response;
  const absl::Status status = Call<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::GetDrops, v1::GetDropsRequest(), &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
    return kOk;
  }
  Table table({"PORT", "REASON", "PACKETS", "POLICY", "RULE", "MEANING"});
  for (const v1::DropCount& drop : response.drops()) {
    table.Add({drop.port(), drop.reason(), fmt::to_string(drop.packets()), PoliciesText(drop),
               drop.rule(), MeaningOf(drop)});
  }
  table.Print();
  return kOk;
}

}  // namespace

void AddStatus(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  CLI::App* status = app.add_subcommand("status", "what is in force, and how busy the workers are");
  status->callback([=, &options] { *exit_code = Status(options); });
  CLI::App* drops =
      app.add_subcommand("drops", "why packets died: by the port they came in, and by policy");
  drops->callback([=, &options] { *exit_code = Drops(options); });
}

}  // namespace sluice::ctl
