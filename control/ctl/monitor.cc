// sluicectl monitor: connections as they come, go and are denied.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <memory>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/output.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::ctl {
namespace {

struct MonitorArguments {
  std::string port, pod, name_space;
  bool fresh = false, closed = false, denied = false, judged = false;
  uint64_t limit = 0;  // 0: none
};

std::string EndText(const v1::MonitorEnd& end, bool ports) {
  const bool v6 = end.address().find(':') != std::string::npos;
  std::string text = v6 && ports ? "[" + end.address() + "]" : end.address();
  if (ports) text += fmt::format(":{}", end.port());
  const std::string& name = end.pod().empty() ? end.switch_port() : end.pod();
  return name.empty() ? text : fmt::format("{} ({})", text, name);
}

std::string SideText(const char* direction, const v1::SideVerdict& side) {
  return fmt::format(", {} {} {}", direction, fmt::join(side.policies(), ","),
                     side.rule().empty() ? "(nothing allows it)" : side.rule());
}

void Print(const v1::MonitorEvent& event) {
  const bool ports = event.initiator().port() != 0 || event.responder().port() != 0;
  std::string text =
      fmt::format("{:<8} {} {} > {}", event.kind(), event.protocol(),
                  EndText(event.initiator(), ports), EndText(event.responder(), ports));
  if (!event.name().empty()) text += ", name " + event.name();
  if (!event.reason().empty()) text += ", " + event.reason();
  if (event.has_egress()) text += SideText("egress", event.egress());
  if (event.has_ingress()) text += SideText("ingress", event.ingress());
  if (event.kind() == "closed") text += ", " + event.state();
  if (event.kind() != "new") text += fmt::format(", {} packets", event.packets());
  if (event.kind() == "closed") {
    text += fmt::format(", {} bytes, {:.3f} s", event.bytes(), event.duration_seconds());
  }
  if (event.epoch() != 0) text += fmt::format(", epoch {}", event.epoch());
  fmt::print("{}\n", text);
}

// Prints what arrives, until there is enough.
class Printer {
 public:
  Printer(const GlobalOptions& options, uint64_t limit) : options_(options), limit_(limit) {}

  bool Take(const v1::MonitorResponse& response) {
    if (response.lost() > 0) PrintLost(response.lost());
    for (const v1::MonitorEvent& event : response.events()) {
      if (options_.json()) {
        PrintJsonLine(event);
      } else {
        Print(event);
      }
      if (++printed_ == limit_) return false;
    }
    return fflush(stdout) == 0;  // nobody reads on
  }

 private:
  void PrintLost(uint64_t lost) const {
    if (options_.json()) {
      v1::MonitorResponse only_lost;
      only_lost.set_lost(lost);
      PrintJsonLine(only_lost);
    } else {
      fmt::print("-- {} events lost\n", lost);
    }
  }

  const GlobalOptions& options_;
  const uint64_t limit_;
  uint64_t printed_ = 0;
};

ExitCode Monitor(const GlobalOptions& options, const MonitorArguments& arguments) {
  v1::MonitorRequest request;
  request.set_port(arguments.port);
  request.set_pod(arguments.pod);
  request.set_namespace_(arguments.name_space);
  if (arguments.fresh) request.add_kinds("new");
  if (arguments.closed) request.add_kinds("closed");
  if (arguments.denied) {
    for (const char* kind : {"denied", "rejected", "observed", "audited"}) request.add_kinds(kind);
  }
  if (arguments.judged) {
    for (const char* kind : {"judged", "alerted"}) request.add_kinds(kind);
  }
  Printer printer(options, arguments.limit);
  const absl::Status status = Listen<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::Monitor, request,
      [&](const v1::MonitorResponse& response) { return printer.Take(response); });
  return status.ok() ? kOk : Report(status, kRefused);
}

}  // namespace

void AddMonitor(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<MonitorArguments>();
  CLI::App* command =
      app.add_subcommand("monitor", "new, closed and denied connections, as they happen");
  command->add_option("--port", arguments->port, "only with this port at one end");
  command->add_option("--pod", arguments->pod, "only with this NAMESPACE/POD at one end");
  command->add_option("--namespace", arguments->name_space,
                      "only with a pod of this namespace at one end");
  command->add_flag("--new", arguments->fresh, "new ones; these four add up, none means all");
  command->add_flag("--closed", arguments->closed, "closed ones");
  command->add_flag("--denied", arguments->denied,
                    "denied and rejected packets, and those that would be");
  command->add_flag("--judged", arguments->judged,
                    "those that passed by what they say, and those with a pattern to be told");
  command->add_option("--limit", arguments->limit, "leave after so many events");
  command->callback([=, &options] { *exit_code = Monitor(options, *arguments); });
}

}  // namespace sluice::ctl
