#include <chrono>
#include <string>
#include <utility>

#include "control/explain.h"
#include "control/grpc/grpc_status.h"
#include "control/grpc/services.h"
#include "control/version.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::control {
namespace {

using dataplane::ConnectionInfo;
using dataplane::DropReason;

constexpr uint32_t kDefaultConnectionLimit = 1000;

std::string ProtocolName(uint8_t protocol) {
  switch (protocol) {
    case 1:
      return "icmp";
    case 6:
      return "tcp";
    case 17:
      return "udp";
    case 58:
      return "icmpv6";
    case 132:
      return "sctp";
    default:
      return std::to_string(protocol);
  }
}

std::string PortName(const dataplane::Snapshot& snapshot, dataplane::PortId id) {
  return id < snapshot.ports.size() ? snapshot.ports[id].name : "";
}

void WriteConnection(const ConnectionInfo& info, const dataplane::Snapshot& snapshot,
                     v1::Connection* out) {
  if (info.network < snapshot.networks.size()) {
    out->set_network(snapshot.networks[info.network].name);
  }
  out->set_protocol(ProtocolName(info.protocol));
  out->set_initiator(info.initiator.ToString());
  out->set_responder(info.responder.ToString());
  out->set_initiator_port(info.initiator_port);
  out->set_responder_port(info.responder_port);
  out->set_initiator_subject(PortName(snapshot, info.initiator_subject));
  out->set_responder_subject(PortName(snapshot, info.responder_subject));
  out->set_state(info.state);
  out->set_stale(info.verdict_epoch != snapshot.verdict_epoch);
  out->set_idle_seconds(static_cast<double>(info.idle_ms) / 1000);
}

void WriteDrops(const std::string& port, const dataplane::PortCounters& counters,
                v1::GetDropsResponse* response) {
  for (size_t i = 0; i < dataplane::kDropReasonCount; ++i) {
    if (counters.drops[i] == 0) continue;
    v1::DropCount* drop = response->add_drops();
    drop->set_port(port);
    drop->set_reason(dataplane::DropReasonName(static_cast<DropReason>(i)));
    drop->set_text(dataplane::DropReasonText(static_cast<DropReason>(i)));
    drop->set_packets(counters.drops[i]);
  }
}

void WriteWorker(unsigned worker, int core, const dataplane::WorkerCounters& counters,
                 v1::WorkerStatus* out) {
  out->set_worker(worker);
  out->set_core(core);
  out->set_loops(counters.loops);
  out->set_busy_loops(counters.busy_loops);
  out->set_packets(counters.packets);
  out->set_classified(counters.classified);
  out->set_connections_created(counters.connections_created);
  out->set_connections_removed(counters.connections_removed);
}

void WriteView(const View& view, v1::GetStatusResponse* out) {
  out->set_epoch(view.snapshot->epoch);
  out->set_ports(view.state->ports().specs().size());
  out->set_namespaces(view.state->namespaces().size());
  out->set_endpoints(view.state->endpoints().size());
  out->set_policies(view.state->policies().size());
  out->set_classes(view.policy->compiled->classes.size());
  out->set_flat_rules(view.policy->rules->rules.size());
  out->set_last_compile_seconds(view.last_compile_seconds);
  out->set_last_error(view.last_error);
  for (const auto& [source, version] : view.state->synced_versions()) {
    (*out->mutable_synced_versions())[source] = version;
  }
}

void WriteSide(const Side& side, v1::SideVerdict* out) {
  out->set_verdict(side.allow ? "allow" : "deny");
  out->set_tier(acl::TierName(side.tier));
  for (const std::string& policy : side.policies) out->add_policies(policy);
  out->set_rule(side.rule);
}

class DiagnosticsService final : public v1::DiagnosticsService::Service {
 public:
  DiagnosticsService(Controller& controller, const dataplane::Switch& data_plane,
                     const DaemonFacts& facts)
      : controller_(controller), data_plane_(data_plane), facts_(facts) {}

  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*,
                         v1::GetStatusResponse* response) override {
    WriteView(*controller_.view(), response);
    response->set_version(kVersion);
    response->set_huge_pages(facts_.huge_pages);
    response->set_connections(data_plane_.connection_count());
    response->set_packet_buffers(data_plane_.packet_buffers());
    response->set_buffers_in_use(data_plane_.buffers_in_use());
    const std::chrono::duration<double> up = std::chrono::steady_clock::now() - facts_.started;
    response->set_uptime_seconds(up.count());
    for (unsigned worker = 0; worker < data_plane_.worker_count(); ++worker) {
      WriteWorker(worker, facts_.worker_cores[worker], data_plane_.ReadWorkerCounters(worker),
                  response->add_workers());
    }
    return grpc::Status::OK;
  }

  grpc::Status GetDrops(grpc::ServerContext*, const v1::GetDropsRequest*,
                        v1::GetDropsResponse* response) override {
    for (const auto& [name, place] : controller_.view()->places) {
      WriteDrops(name, data_plane_.ReadPortCounters(place.attached.id), response);
    }
    return grpc::Status::OK;
  }

  grpc::Status ListConnections(grpc::ServerContext*, const v1::ListConnectionsRequest* request,
                               v1::ListConnectionsResponse* response) override {
    const uint32_t limit = request->limit() == 0 ? kDefaultConnectionLimit : request->limit();
    const std::shared_ptr<const View> view = controller_.view();
    uint32_t listed = 0;
    data_plane_.VisitConnections([&](const ConnectionInfo& info) {
      WriteConnection(info, *view->snapshot, response->add_connections());
      return ++listed < limit;
    });
    response->set_total(data_plane_.connection_count());
    return grpc::Status::OK;
  }

  grpc::Status ListClasses(grpc::ServerContext*, const v1::ListClassesRequest*,
                           v1::ListClassesResponse* response) override {
    uint32_t id = 0;
    const std::shared_ptr<const View> view = controller_.view();
    for (const acl::ClassInfo& info : view->policy->compiled->classes) {
      v1::PolicyClass* added = response->add_classes();
      added->set_id(id++);
      for (const std::string& selector : info.selectors) added->add_selectors(selector);
      added->set_endpoint_addresses(info.endpoint_addresses);
    }
    return grpc::Status::OK;
  }

  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override {
    Probe probe{request->from(), request->to(), request->protocol(), std::nullopt,
                static_cast<int>(request->family())};
    if (request->port() != 0) probe.port = request->port();
    const std::shared_ptr<const View> view = controller_.view();
    absl::StatusOr<Verdict> verdict = control::Explain(*view, probe);
    if (!verdict.ok()) return ToGrpcStatus(verdict.status());
    response->set_verdict(verdict->allow ? "allow" : "deny");
    if (verdict->egress) WriteSide(*verdict->egress, response->mutable_egress());
    if (verdict->ingress) WriteSide(*verdict->ingress, response->mutable_ingress());
    response->set_epoch(view->snapshot->epoch);
    return grpc::Status::OK;
  }

 private:
  Controller& controller_;
  const dataplane::Switch& data_plane_;
  const DaemonFacts facts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeDiagnosticsService(Controller& controller,
                                                      const dataplane::Switch& data_plane,
                                                      const DaemonFacts& facts) {
  return std::make_unique<DiagnosticsService>(controller, data_plane, facts);
}

}  // namespace sluice::control
