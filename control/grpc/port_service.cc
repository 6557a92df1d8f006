#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "control/grpc/add_port_call.h"
#include "control/grpc/grpc_status.h"
#include "control/grpc/port_convert.h"
#include "control/grpc/services.h"
#include "sluice/v1/port.grpc.pb.h"

namespace sluice::control {
namespace {

const char* SubjectName(dataplane::SubjectState state) {
  switch (state) {
    case dataplane::SubjectState::kNone:
      return "none";
    case dataplane::SubjectState::kUnknown:
      return "unknown";
    case dataplane::SubjectState::kKnown:
      return "known";
  }
  return "?";
}

void WriteStatus(const PortPlace& place, const dataplane::PortView& port,
                 const dataplane::Switch& data_plane, v1::PortStatus* out) {
  const dataplane::PortId id = place.attached.id;
  const dataplane::PortCounters counters = data_plane.ReadPortCounters(id);
  out->set_id(id);
  out->set_link_up(data_plane.PortLinkUp(id));
  out->set_subject(SubjectName(port.subject));
  out->set_class_v4(port.classes[port.layer].v4);
  out->set_class_v6(port.classes[port.layer].v6);
  out->set_worker(place.worker);
  out->set_rx_packets(counters.rx_packets);
  out->set_rx_bytes(counters.rx_bytes);
  out->set_tx_packets(counters.tx_packets);
  out->set_tx_bytes(counters.tx_bytes);
  out->set_drops(std::accumulate(counters.drops.begin(), counters.drops.end(), uint64_t{0}));
  out->set_answered(counters.answered);
}

class PortService final
    : public v1::PortService::WithCallbackMethod_AddPort<v1::PortService::Service> {
 public:
  PortService(Controller& controller, const dataplane::Switch& data_plane, const DaemonFacts& facts)
      : controller_(controller), data_plane_(data_plane), worker_cores_(facts.worker_cores) {}

  grpc::ServerUnaryReactor* AddPort(grpc::CallbackServerContext*, const v1::AddPortRequest* request,
                                    v1::AddPortResponse* response) override {
    return StartAddPort(controller_, *request, *response);
  }

  grpc::Status DeletePort(grpc::ServerContext*, const v1::DeletePortRequest* request,
                          v1::DeletePortResponse* response) override {
    Result result = controller_.Execute(DeletePortCommand{request->name()});
    if (!result.ok()) return ToGrpcStatus(result.status());
    response->set_epoch(result->epoch);
    return grpc::Status::OK;
  }

  grpc::Status MovePort(grpc::ServerContext*, const v1::MovePortRequest* request,
                        v1::MovePortResponse* response) override {
    Result result = controller_.Execute(MovePortCommand{request->name(), request->worker()});
    if (!result.ok()) return ToGrpcStatus(result.status());
    response->set_epoch(result->epoch);
    return grpc::Status::OK;
  }

  grpc::Status AddWorker(grpc::ServerContext*, const v1::AddWorkerRequest* request,
                         v1::AddWorkerResponse* response) override {
    return ChangeWorker<AddWorkerCommand>(request->core(), *response);
  }

  grpc::Status RemoveWorker(grpc::ServerContext*, const v1::RemoveWorkerRequest* request,
                            v1::RemoveWorkerResponse* response) override {
    return ChangeWorker<RemoveWorkerCommand>(request->core(), *response);
  }

  grpc::Status ListPorts(grpc::ServerContext*, const v1::ListPortsRequest*,
                         v1::ListPortsResponse* response) override {
    const std::shared_ptr<const View> view = controller_.view();
    for (const auto& [name, spec] : view->state->ports().specs()) {
      const PortPlace& place = view->places.at(name);
      v1::PortStatus* status = response->add_ports();
      PortToProto(spec, status->mutable_spec());
      WriteStatus(place, view->snapshot->ports[place.attached.id], data_plane_, status);
    }
    response->set_epoch(view->snapshot->epoch);
    return grpc::Status::OK;
  }

 private:
  template <typename SomeCommand, typename Response>
  grpc::Status ChangeWorker(int core, Response& response) {
    const auto found = std::ranges::find(worker_cores_, core);
    if (found == worker_cores_.end()) {
      return ToGrpcStatus(absl::NotFoundError(
          fmt::format("worker on core {}: sluiced has cores {} (--worker-cores, --spare-cores)",
                      core, fmt::join(worker_cores_, ", "))));
    }
    const auto worker = static_cast<unsigned>(found - worker_cores_.begin());
    Result result = controller_.Execute(SomeCommand{worker, core});
    if (!result.ok()) return ToGrpcStatus(result.status());
    response.set_epoch(result->epoch);
    return grpc::Status::OK;
  }

  Controller& controller_;
  const dataplane::Switch& data_plane_;
  const std::vector<int> worker_cores_;  // by worker
};

}  // namespace

std::unique_ptr<grpc::Service> MakePortService(Controller& controller,
                                               const dataplane::Switch& data_plane,
                                               const DaemonFacts& facts) {
  return std::make_unique<PortService>(controller, data_plane, facts);
}

}  // namespace sluice::control
