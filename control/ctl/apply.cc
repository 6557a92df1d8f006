// sluicectl apply, delete: manifests to the daemon, all or nothing.
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/manifests.h"
#include "control/ctl/output.h"
#include "control/grpc/convert.h"
#include "sluice/v1/policy.grpc.pb.h"

namespace sluice::ctl {
namespace {

constexpr char kSource[] = "sluicectl";

struct Files {
  std::vector<std::string> paths;
};

ExitCode Apply(const GlobalOptions& options, const Files& files) {
  const auto objects = ReadObjects(files.paths);
  if (!objects.ok()) return Report(objects.status(), kBadInput);
  if (objects->empty()) {
    return Report(absl::InvalidArgumentError("no objects passed to apply"), kBadInput);
  }
  v1::ApplyRequest request;
  request.set_source(kSource);
  for (const control::Object& object : *objects) control::ToProto(object, request.add_objects());
  v1::ApplyResponse response;
  const absl::Status status =
      Call<v1::PolicyService>(options.server, &v1::PolicyService::Stub::Apply, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    fmt::print("applied {} objects, in force since epoch {}\n", objects->size(), response.epoch());
  }
  return kOk;
}

ExitCode Delete(const GlobalOptions& options, const Files& files) {
  const auto objects = ReadObjects(files.paths);
  if (!objects.ok()) return Report(objects.status(), kBadInput);
  v1::DeleteRequest request;
  request.set_source(kSource);
  for (const control::Object& object : *objects) *request.add_objects() = control::KeyOf(object);
  v1::DeleteResponse response;
  const absl::Status status =
      Call<v1::PolicyService>(options.server, &v1::PolicyService::Stub::Delete, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    fmt::print("deleted {} of {} objects, in force since epoch {}\n", response.deleted(),
               objects->size(), response.epoch());
  }
  return kOk;
}

}  // namespace

void AddApply(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  const auto add = [&](const char* name, const char* text, auto run) {
    auto files = std::make_shared<Files>();
    CLI::App* command = app.add_subcommand(name, text);
    command->add_option("-f,--filename", files->paths, "manifests, - is standard input")
        ->required();
    command->callback([=, &options] { *exit_code = run(options, *files); });
  };
  add("apply", "create or replace the objects of Kubernetes manifests", Apply);
  add("delete", "remove the objects of Kubernetes manifests", Delete);
}

}  // namespace sluice::ctl
