// sluicectl worker add, remove: which cores poll.
#include <fmt/format.h>

#include <memory>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/output.h"
#include "sluice/v1/port.grpc.pb.h"

namespace sluice::ctl {
namespace {

template <typename Request, typename Response, typename Method>
ExitCode Change(const GlobalOptions& options, int core, Method method, const char* done) {
  Request request;
  request.set_core(core);
  Response response;
  const absl::Status status = Call<v1::PortService>(options.server, method, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    fmt::print("worker on core {} {}: epoch {}\n", core, done, response.epoch());
  }
  return kOk;
}

}  // namespace

void AddWorker(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  CLI::App* worker = app.add_subcommand("worker", "cores that poll ports (status lists them)");
  worker->require_subcommand(1);
  auto core = std::make_shared<int>();
  const auto add = [&](const char* name, const char* text) {
    CLI::App* command = worker->add_subcommand(name, text);
    command->add_option("CORE", *core, "one of --worker-cores or --spare-cores")
        ->required()
        ->check(CLI::Range(0, 4095));
    return command;
  };
  add("add", "give a worker at rest its share of the ports")->callback([=, &options] {
    *exit_code = Change<v1::AddWorkerRequest, v1::AddWorkerResponse>(
        options, *core, &v1::PortService::Stub::AddWorker, "polls");
  });
  add("remove", "give a worker's ports to the others, and let it rest")->callback([=, &options] {
    *exit_code = Change<v1::RemoveWorkerRequest, v1::RemoveWorkerResponse>(
        options, *core, &v1::PortService::Stub::RemoveWorker, "is at rest");
  });
}

}  // namespace sluice::ctl
