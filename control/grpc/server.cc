#include "control/grpc/server.h"

#include <fmt/core.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <chrono>
#include <utility>
#include <vector>

#include "control/grpc/services.h"
#include "control/listen_socket.h"

namespace sluice::control {
namespace {

constexpr int kMaxMessageBytes = 64 << 20;
// A call holds a thread while it waits for the control thread.
constexpr int kMaxThreads = 128;
constexpr std::chrono::seconds kShutdownGrace{1};
constexpr const char* kServiceNames[] = {"sluice.v1.PolicyService", "sluice.v1.PortService",
                                         "sluice.v1.DiagnosticsService", "sluice.v1.NetworkService",
                                         "sluice.v1.SourceService"};

void ReportServing(grpc::Server& server) {
  grpc::HealthCheckServiceInterface* health = server.GetHealthCheckService();
  for (const char* name : kServiceNames) health->SetServingStatus(name, true);
}

std::unique_ptr<grpc::Server> Listen(const std::string& path,
                                     const std::vector<std::unique_ptr<grpc::Service>>& services) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ResourceQuota quota;
  quota.SetMaxThreads(kMaxThreads);
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
  for (const auto& service : services) builder.RegisterService(service.get());
  const OwnerOnlyFiles owner_only;
  return builder.BuildAndStart();
}

}  // namespace

struct Server::Impl {
  std::string path;
  std::vector<std::unique_ptr<grpc::Service>> services;
  std::unique_ptr<grpc::Server> server;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const std::string& listen,
                                                      Controller& controller,
                                                      dataplane::Switch& data_plane,
                                                      Monitor& monitor, const DaemonFacts& facts,
                                                      SourceReports& sources) {
  absl::StatusOr<std::string> path = ParseListenAddress(listen);
  if (!path.ok()) return path.status();
  absl::Status prepared = PrepareSocketPath(*path);
  if (!prepared.ok()) return prepared;

  auto impl = std::make_unique<Impl>();
  impl->path = *path;
  impl->services.push_back(MakePolicyService(controller));
  impl->services.push_back(MakePortService(controller, data_plane, facts));
  impl->services.push_back(MakeNetworkService(controller));
  impl->services.push_back(MakeDiagnosticsService(controller, data_plane, monitor, facts, sources));
  impl->services.push_back(MakeSourceService(controller, sources));
  impl->server = Listen(*path, impl->services);
  if (impl->server == nullptr) {
    return absl::UnavailableError(fmt::format("listen: {}: gRPC cannot listen there", *path));
  }
  ReportServing(*impl->server);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() {
  impl_->server->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  impl_->server->Wait();
  unlink(impl_->path.c_str());
}

}  // namespace sluice::control
