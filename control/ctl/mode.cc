// sluicectl mode: whether policy's refusals are carried out.
#include <fmt/format.h>

#include <memory>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/output.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::ctl {
namespace {

ExitCode SetMode(const GlobalOptions& options, const std::string& mode) {
  v1::SetModeRequest request;
  request.set_mode(mode);
  v1::SetModeResponse response;
  const absl::Status status = Call<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::SetMode, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    fmt::print("mode {} (epoch {})\n", mode, response.epoch());
  }
  return kOk;
}

}  // namespace

void AddMode(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  auto mode = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "mode", "enforce: policy drops; observe: it only counts what it would drop");
  command->add_option("MODE", *mode, "enforce or observe")
      ->required()
      ->check(CLI::IsMember({"enforce", "observe"}));
  command->callback([=, &options] { *exit_code = SetMode(options, *mode); });
}

}  // namespace sluice::ctl
