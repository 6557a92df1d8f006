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

void WriteMacs(const View& view, const std::string& network, const dataplane::LearnedMacs& learned,
               v1::ListMacsResponse* response) {
  learned.Visit([&](const dataplane::MacAddress& mac, dataplane::PortId port, uint32_t age_ms) {
    const auto& ports = view.snapshot->ports;
    if (port >= ports.size() || !ports[port].in_use) return;
    v1::LearnedMac* out = response->add_macs();
    out->set_network(network);
    out->set_mac(mac.ToString());
    out->set_port(ports[port].name);
    out->set_age_seconds(static_cast<double>(age_ms) / 1000);
  });
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

  grpc::Status ListMacs(grpc::ServerContext*, const v1::ListMacsRequest* request,
                        v1::ListMacsResponse* response) override {
    const std::shared_ptr<const View> view = controller_.view();
    const std::string& wanted = request->network();
    if (!wanted.empty() && !view->networks.contains(wanted)) {
      return {grpc::StatusCode::NOT_FOUND, "network " + wanted + ": does not exist"};
    }
    for (const auto& [name, build] : view->networks) {
      if (wanted.empty() || name == wanted) WriteMacs(*view, name, *build.learned, response);
    }
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
