#include <string>
#include <utility>

#include "control/grpc/grpc_status.h"
#include "control/grpc/port_convert.h"
#include "control/grpc/services.h"
#include "sluice/v1/port.grpc.pb.h"

namespace sluice::control {
namespace {

void WriteNetwork(const PortTable& table, const NetworkSpec& spec, v1::NetworkStatus* out) {
  NetworkToProto(spec, out->mutable_spec());
  if (const dataplane::PortSpec* uplink = table.UplinkOf(spec.name)) out->set_uplink(uplink->name);
  uint32_t ports = 0;
  for (const auto& [name, port] : table.specs()) {
    if (port.network != spec.name) continue;
    ++ports;
    if (port.role == dataplane::PortRole::kHost) out->set_host(name);
  }
  out->set_ports(ports);
}

class NetworkService final : public v1::NetworkService::Service {
 public:
  explicit NetworkService(Controller& controller) : controller_(controller) {}

  grpc::Status AddNetwork(grpc::ServerContext*, const v1::AddNetworkRequest* request,
                          v1::AddNetworkResponse* response) override {
    absl::StatusOr<NetworkSpec> spec = NetworkFromProto(request->spec());
    if (!spec.ok()) return ToGrpcStatus(spec.status());
    Result result = controller_.Execute(AddNetworkCommand{*std::move(spec)});
    if (!result.ok()) return ToGrpcStatus(result.status());
    response->set_epoch(result->epoch);
    return grpc::Status::OK;
  }

  grpc::Status DeleteNetwork(grpc::ServerContext*, const v1::DeleteNetworkRequest* request,
                             v1::DeleteNetworkResponse* response) override {
    Result result = controller_.Execute(DeleteNetworkCommand{request->name()});
    if (!result.ok()) return ToGrpcStatus(result.status());
    response->set_epoch(result->epoch);
    return grpc::Status::OK;
  }

  grpc::Status ListNetworks(grpc::ServerContext*, const v1::ListNetworksRequest*,
                            v1::ListNetworksResponse* response) override {
    const std::shared_ptr<const View> view = controller_.view();
    const PortTable& table = view->state->ports();
    for (const auto& [name, spec] : table.networks()) {
      WriteNetwork(table, spec, response->add_networks());
    }
    response->set_epoch(view->snapshot->epoch);
    return grpc::Status::OK;
  }

 private:
  Controller& controller_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeNetworkService(Controller& controller) {
  return std::make_unique<NetworkService>(controller);
}

}  // namespace sluice::control
