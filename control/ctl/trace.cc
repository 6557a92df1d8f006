// sluicectl trace: what would become of a packet, stage by stage.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <vector>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/output.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::ctl {
namespace {

struct TraceArguments {
  std::string port;
  std::vector<std::string> packet;
};

void Print(const v1::TraceResponse& trace) {
  for (const v1::TraceStep& step : trace.steps()) {
    fmt::print("{:<9} {}\n", step.stage(), step.text());
  }
  if (trace.verdict() == "drop") {
    fmt::print("=> dropped: {}", trace.reason());
  } else if (trace.verdict() == "wait") {
    fmt::print("=> waits");
  } else {
    fmt::print("=> delivered to {}", fmt::join(trace.delivered_to(), ", "));
  }
  if (!trace.would_drop().empty()) fmt::print(" (mode observe: else {})", trace.would_drop());
  fmt::print(" (epoch {}, worker {})\n", trace.epoch(), trace.worker());
}

ExitCode Trace(const GlobalOptions& options, const TraceArguments& arguments) {
  v1::TraceRequest request;
  request.set_port(arguments.port);
  request.set_packet(fmt::format("{}", fmt::join(arguments.packet, " ")));
  v1::TraceResponse response;
  const absl::Status status = Call<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::Trace, request, &response);
  if (!status.ok()) return Report(status, absl::IsInvalidArgument(status) ? kBadInput : kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    Print(response);
  }
  return kOk;
}

}  // namespace

void AddTrace(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<TraceArguments>();
  CLI::App* command =
      app.add_subcommand("trace", "what would become of a packet, stage by stage; sends nothing");
  command->add_option("PORT", arguments->port, "the port that it enters by")->required();
  command
      ->add_option("PACKET", arguments->packet,
                   "'tcp 10.0.0.1:1234 > 10.0.0.2:80 syn', 'udp default/a:1 > default/b:53 len 9', "
                   "'icmp A > B echo', 'hex:...'")
      ->required();
  command->callback([=, &options] { *exit_code = Trace(options, *arguments); });
}

}  // namespace sluice::ctl
