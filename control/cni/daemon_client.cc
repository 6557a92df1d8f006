#include "control/cni/daemon_client.h"

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "control/grpc/port_convert.h"
#include "sluice/v1/diagnostics.grpc.pb.h"
#include "sluice/v1/port.grpc.pb.h"

namespace sluice::cni {
namespace {

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  return arguments;
}

class GrpcDaemonClient final : public DaemonClient {
 public:
  GrpcDaemonClient(std::string server, std::chrono::milliseconds limit)
      : server_(std::move(server)),
        limit_(limit),
        channel_(
            grpc::CreateCustomChannel(server_, grpc::InsecureChannelCredentials(), Arguments())) {}

  absl::StatusOr<uint64_t> AddPort(const dataplane::PortSpec& spec,
                                   std::chrono::milliseconds policy_timeout) override {
    v1::AddPortRequest request;
    control::PortToProto(spec, request.mutable_spec());
    request.set_policy_timeout_ms(static_cast<uint32_t>(policy_timeout.count()));
    v1::AddPortResponse response;
    const absl::Status status = Call<v1::PortService>(&v1::PortService::Stub::AddPort, request,
                                                      &response, policy_timeout + limit_);
    if (!status.ok()) return status;
    return response.epoch();
  }

  absl::Status DeletePort(const std::string& name) override {
    v1::DeletePortRequest request;
    request.set_name(name);
    v1::DeletePortResponse response;
    const absl::Status status =
        Call<v1::PortService>(&v1::PortService::Stub::DeletePort, request, &response, limit_);
    return absl::IsNotFound(status) ? absl::OkStatus() : status;
  }

  absl::StatusOr<std::vector<PortState>> ListPorts() override {
    v1::ListPortsResponse response;
    const absl::Status status = Call<v1::PortService>(&v1::PortService::Stub::ListPorts,
                                                      v1::ListPortsRequest(), &response, limit_);
    if (!status.ok()) return status;
    std::vector<PortState> ports;
    for (const v1::PortStatus& port : response.ports()) {
      auto spec = control::PortFromProto(port.spec());
      if (!spec.ok()) continue;  // of a kind that this version does not know: none of ours
      ports.push_back({*std::move(spec), port.subject() == "known"});
    }
    return ports;
  }

  absl::StatusOr<DaemonState> State() override {
    v1::GetStatusResponse response;
    absl::Status status = Call<v1::DiagnosticsService>(&v1::DiagnosticsService::Stub::GetStatus,
                                                       v1::GetStatusRequest(), &response, limit_);
    if (!status.ok()) return status;
    v1::ListNetworksResponse networks;
    status = Call<v1::NetworkService>(&v1::NetworkService::Stub::ListNetworks,
                                      v1::ListNetworksRequest(), &networks, limit_);
    if (!status.ok()) return status;
    DaemonState state{static_cast<unsigned>(response.workers_size()),
                      response.packet_buffers(),
                      response.buffers_in_use(),
                      response.last_error(),
                      {},
                      response.epoch(),
                      response.ports(),
                      response.port_slots(),
                      response.devices(),
                      response.device_slots()};
    for (const auto& network : networks.networks()) state.networks.insert(network.spec().name());
    return state;
  }

 private:
  template <typename Service, typename Request, typename Response>
  absl::Status Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*),
                    const Request& request, Response* response, std::chrono::milliseconds limit) {
    const auto stub = Service::NewStub(channel_);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + limit);
    const grpc::Status status = (stub.get()->*method)(&context, request, response);
    if (status.ok()) return absl::OkStatus();
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),  // one numbering
                        fmt::format("sluiced at {}: {}", server_, status.error_message()));
  }

  const std::string server_;
  const std::chrono::milliseconds limit_;
  const std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace

std::unique_ptr<DaemonClient> MakeDaemonClient(const std::string& server,
                                               std::chrono::milliseconds limit) {
  return std::make_unique<GrpcDaemonClient>(server, limit);
}

}  // namespace sluice::cni
