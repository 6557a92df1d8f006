#include <chrono>
#include <string>
#include <utility>

#include "control/drop_listing.h"
#include "control/explain.h"
#include "control/grpc/answer_convert.h"
#include "control/grpc/capture_stream.h"
#include "control/grpc/diagnostics_streams.h"
#include "control/grpc/grpc_status.h"
#include "control/grpc/policy_answers.h"
#include "control/grpc/services.h"
#include "control/grpc/source_convert.h"
#include "control/mode.h"
#include "control/packet_frame.h"
#include "control/packet_text.h"
#include "control/protocol_name.h"
#include "control/trace.h"
#include "control/version.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::control {
namespace {

using dataplane::ConnectionInfo;

constexpr uint32_t kDefaultConnectionLimit = 1000;

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

std::optional<Said> SaidIn(const v1::ExplainRequest& request) {
  using Kind = acl::StreamFacts::Kind;
  if (request.has_server_name()) {
    return Said{.kind = Kind::kTls, .server_name = request.server_name()};
  }
  if (request.has_dns_name()) return Said{.kind = Kind::kDns, .question = request.dns_name()};
  if (!request.has_http()) return std::nullopt;
  const v1::HttpRequest& http = request.http();
  return Said{
      .kind = Kind::kHttp, .method = http.method(), .host = http.host(), .path = http.path()};
}

void WriteDrop(const DropRow& row, v1::DropCount* out) {
  out->set_port(row.port);
  out->set_reason(dataplane::DropReasonName(row.reason));
  out->set_text(dataplane::DropReasonText(row.reason));
  out->set_packets(row.packets);
  out->set_observed(row.outcome == dataplane::Outcome::kObserved);
  out->set_rejected(row.outcome == dataplane::Outcome::kRejected);
  out->set_audited(row.outcome == dataplane::Outcome::kAudited);
  if (!row.attributed) return;
  for (const std::string& policy : row.rule.policies) out->add_policies(policy);
  out->set_tier(acl::TierName(row.rule.tier));
  out->set_rule(row.rule.rule);
  out->set_in_force(row.in_force);
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
  out->set_mode(ModeName(view.snapshot->mode));
  out->set_ports(view.state->ports().specs().size());
  out->set_namespaces(view.state->namespaces().size());
  out->set_endpoints(view.state->endpoints().size());
  out->set_policies(view.state->policy_count());
  out->set_nodes(view.state->nodes().size());
  for (const std::string& warning : view.warnings) out->add_warnings(warning);
  out->set_classes(view.policy->base.universe->classes().size());
  out->set_flat_rules(view.policy->base.in_force.rules->rules.size());
  out->set_last_compile_seconds(view.last_compile_seconds);
  out->set_last_error(view.last_error);
  out->set_failed_builds(view.failed_builds);
  for (const auto& [source, version] : view.state->synced_versions()) {
    (*out->mutable_synced_versions())[source] = version;
  }
}

void WriteSource(const SourceStatus& status, v1::SourceStatus* out) {
  out->set_source(status.source);
  WriteReport(status.report, out->mutable_report());
  out->set_age_seconds(status.age_seconds);
}

void WriteTrace(const TraceAnswer& answer, v1::TraceResponse* out) {
  const dataplane::TraceReport& report = answer.report;
  const bool dropped = report.drop != dataplane::DropReason::kNone;
  out->set_verdict(dropped ? "drop" : report.waits ? "wait" : "deliver");
  if (dropped) out->set_reason(dataplane::DropReasonName(report.drop));
  if (report.would_drop != dataplane::DropReason::kNone) {
    out->set_would_drop(dataplane::DropReasonName(report.would_drop));
  }
  for (const std::string& port : answer.delivered_to) out->add_delivered_to(port);
  for (const TraceStep& step : answer.steps) {
    v1::TraceStep* added = out->add_steps();
    added->set_stage(step.stage);
    added->set_text(step.text);
    added->set_dropped(step.dropped);
  }
  if (answer.egress) WriteSide(*answer.egress, out->mutable_egress());
  if (answer.ingress) WriteSide(*answer.ingress, out->mutable_ingress());
  out->set_epoch(report.epoch);
  out->set_worker(answer.worker);
}

absl::StatusOr<std::vector<uint8_t>> FrameOf(const v1::TraceRequest& request, const View& view) {
  if (!view.places.contains(request.port())) {
    return absl::NotFoundError("port " + request.port() + ": does not exist");
  }
  if (!request.frame().empty()) {
    return std::vector<uint8_t>(request.frame().begin(), request.frame().end());
  }
  const auto packet = ParsePacketText(request.packet());
  if (!packet.ok()) return packet.status();
  return MakeFrame(*packet, request.port(), view);
}

class DiagnosticsService final : public v1::DiagnosticsService::Service {
 public:
  DiagnosticsService(Controller& controller, dataplane::Switch& data_plane,
                     control::Monitor& monitor, const DaemonFacts& facts,
                     const SourceReports& sources)
      : controller_(controller),
        data_plane_(data_plane),
        monitor_(monitor),
        facts_(facts),
        sources_(sources) {}

  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*,
                         v1::GetStatusResponse* response) override {
    const std::shared_ptr<const View> view = controller_.view();
    WriteView(*view, response);
    response->set_version(kVersion);
    response->set_huge_pages(facts_.huge_pages);
    response->set_connections(data_plane_.connection_count());
    response->set_packet_buffers(data_plane_.packet_buffers());
    response->set_buffers_in_use(data_plane_.buffers_in_use());
    response->set_port_slots(dataplane::kMaxPorts - 1);
    response->set_devices(data_plane_.devices_in_use());
    response->set_device_slots(data_plane_.device_slots());
    const std::chrono::duration<double> up = std::chrono::steady_clock::now() - facts_.started;
    response->set_uptime_seconds(up.count());
    for (unsigned worker = 0; worker < data_plane_.worker_count(); ++worker) {
      v1::WorkerStatus* status = response->add_workers();
      WriteWorker(worker, facts_.worker_cores[worker], data_plane_.ReadWorkerCounters(worker),
                  status);
      status->set_ports(static_cast<uint32_t>(view->snapshot->polled[worker].size()));
      status->set_at_rest(view->workers.at_rest.contains(worker));
    }
    for (const SourceStatus& status : sources_.List()) WriteSource(status, response->add_sources());
    return grpc::Status::OK;
  }

  grpc::Status GetDrops(grpc::ServerContext*, const v1::GetDropsRequest*,
                        v1::GetDropsResponse* response) override {
    for (const DropRow& row : ListDrops(*controller_.view(), data_plane_)) {
      WriteDrop(row, response->add_drops());
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
    for (const acl::ClassInfo& info :
         acl::ClassesOf(*view->policy->base.universe, *view->policy->base.addresses)) {
      v1::PolicyClass* added = response->add_classes();
      added->set_id(id++);
      for (const std::string& selector : info.selectors) added->add_selectors(selector);
      added->set_endpoint_addresses(info.endpoint_addresses);
    }
    return grpc::Status::OK;
  }

  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override {
    Probe probe{request->from(),
                request->to(),
                request->protocol(),
                std::nullopt,
                static_cast<int>(request->family()),
                request->network()};
    if (request->port() != 0) probe.port = request->port();
    probe.said = SaidIn(*request);
    const std::shared_ptr<const View> view = controller_.view();
    absl::StatusOr<Verdict> verdict = control::Explain(*view, probe);
    if (!verdict.ok()) return ToGrpcStatus(verdict.status());
    response->set_verdict(verdict->allow ? "allow" : "deny");
    if (verdict->egress) WriteSide(*verdict->egress, response->mutable_egress());
    if (verdict->ingress) WriteSide(*verdict->ingress, response->mutable_ingress());
    response->set_epoch(view->snapshot->epoch);
    return grpc::Status::OK;
  }

  grpc::Status Trace(grpc::ServerContext*, const v1::TraceRequest* request,
                     v1::TraceResponse* response) override {
    const std::shared_ptr<const View> view = controller_.view();
    const auto frame = FrameOf(*request, *view);
    if (!frame.ok()) return ToGrpcStatus(frame.status());
    const auto answer = TraceFrame(*view, data_plane_, request->port(), *frame);
    if (!answer.ok()) return ToGrpcStatus(answer.status());
    WriteTrace(*answer, response);
    response->set_frame(frame->data(), frame->size());
    return grpc::Status::OK;
  }

  grpc::Status SetMode(grpc::ServerContext*, const v1::SetModeRequest* request,
                       v1::SetModeResponse* response) override {
    const auto mode = ParseMode(request->mode());
    if (!mode.ok()) return ToGrpcStatus(mode.status());
    const Result result = controller_.Execute(SetModeCommand{*mode});
    if (!result.ok()) return ToGrpcStatus(result.status());
    response->set_epoch(result->epoch);
    return grpc::Status::OK;
  }

  grpc::Status Monitor(grpc::ServerContext* context, const v1::MonitorRequest* request,
                       grpc::ServerWriter<v1::MonitorResponse>* writer) override {
    return StreamEvents(monitor_, *context, *request, *writer);
  }

  grpc::Status Capture(grpc::ServerContext* context, const v1::CaptureRequest* request,
                       grpc::ServerWriter<v1::CaptureResponse>* writer) override {
    return StreamCapture(controller_, data_plane_, *context, *request, *writer);
  }

  grpc::Status WatchLoad(grpc::ServerContext* context, const v1::WatchLoadRequest* request,
                         grpc::ServerWriter<v1::LoadSample>* writer) override {
    return StreamLoad(data_plane_, facts_, *context, *request, *writer);
  }

  grpc::Status DiffPolicies(grpc::ServerContext*, const v1::DiffPoliciesRequest* request,
                            v1::DiffPoliciesResponse* response) override {
    return AnswerDiff(*controller_.view(), *request, response);
  }

  grpc::Status GetPolicyCost(grpc::ServerContext*, const v1::GetPolicyCostRequest*,
                             v1::GetPolicyCostResponse* response) override {
    AnswerCost(*controller_.view(), response);
    return grpc::Status::OK;
  }

 private:
  Controller& controller_;
  dataplane::Switch& data_plane_;
  control::Monitor& monitor_;
  const DaemonFacts facts_;
  const SourceReports& sources_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeDiagnosticsService(Controller& controller,
                                                      dataplane::Switch& data_plane,
                                                      Monitor& monitor, const DaemonFacts& facts,
                                                      const SourceReports& sources) {
  return std::make_unique<DiagnosticsService>(controller, data_plane, monitor, facts, sources);
}

}  // namespace sluice::control
