// One call to the daemon.
#pragma once

#include <absl/status/status.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <memory>
#include <string>

namespace sluice::ctl {

std::shared_ptr<grpc::Channel> Connect(const std::string& server);

// The daemon's own words, or that `server` is not reachable and why.
absl::Status ToStatus(const std::string& server, const grpc::Status& status);

// Calls `method` of `Service`, e.g. Call<v1::PortService>(server, &v1::PortService::Stub::AddPort,
// request, &response). Waits at most a minute: an answer comes after the workers have moved.
template <typename Service, typename Request, typename Response>
absl::Status Call(const std::string& server,
                  grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                        Response*),
                  const Request& request, Response* response) {
  const auto stub = Service::NewStub(Connect(server));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  return ToStatus(server, (stub.get()->*method)(&context, request, response));
}

// Reads a stream of the daemon until take(message) returns false or the daemon ends it. No limit of
// time.
template <typename Service, typename Request, typename Response, typename Take>
absl::Status Listen(const std::string& server,
                    std::unique_ptr<grpc::ClientReader<Response>> (Service::Stub::*method)(
                        grpc::ClientContext*, const Request&),
                    const Request& request, Take&& take) {
  const auto stub = Service::NewStub(Connect(server));
  grpc::ClientContext context;
  const auto reader = (stub.get()->*method)(&context, request);
  Response response;
  while (reader->Read(&response)) {
    if (take(response)) continue;
    context.TryCancel();
    reader->Finish();
    return absl::OkStatus();
  }
  return ToStatus(server, reader->Finish());
}

}  // namespace sluice::ctl
