#include "control/grpc/diagnostics_streams.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "control/event_kind.h"
#include "control/grpc/answer_convert.h"
#include "control/grpc/grpc_status.h"
#include "control/protocol_name.h"

namespace sluice::control {
namespace {

using dataplane::EventKind;
using dataplane::WorkerCounters;
using Clock = std::chrono::steady_clock;

// How soon a stream notices that its caller has left.
constexpr std::chrono::milliseconds kPatience{200};
constexpr size_t kEventsPerMessage = 256;
constexpr double kMinInterval = 0.1, kMaxInterval = 3600;

absl::StatusOr<MonitorFilter> FilterOf(const v1::MonitorRequest& request) {
  MonitorFilter filter{.port = request.port(),
                       .pod = request.pod(),
                       .name_space = request.namespace_(),
                       .kinds = {}};
  for (const std::string& name : request.kinds()) {
    const auto kind = ParseEventKind(name);
    if (!kind.ok()) {
      return absl::InvalidArgumentError("kinds: " + std::string(kind.status().message()));
    }
    filter.kinds.insert(*kind);
  }
  return filter;
}

void WriteEnd(const MonitorEnd& end, v1::MonitorEnd* out) {
  out->set_address(end.address);
  out->set_port(end.port);
  out->set_switch_port(end.port_name);
  out->set_pod(end.pod);
  out->mutable_labels()->insert(end.labels.begin(), end.labels.end());
}

void WriteRule(const acl::RuleSource& source, bool allow, v1::SideVerdict* out) {
  WriteSide({.allow = allow, .tier = source.tier, .policies = source.policies, .rule = source.rule},
            out);
}

void WriteEvent(const MonitorEvent& event, v1::MonitorEvent* out) {
  const dataplane::ConnectionEvent& raw = event.raw;
  const bool allow = raw.kind == EventKind::kNew || raw.kind == EventKind::kJudged ||
                     raw.kind == EventKind::kAlerted;
  out->set_kind(EventKindName(raw.kind));
  out->set_network(event.network);
  out->set_protocol(ProtocolName(raw.protocol));
  WriteEnd(event.initiator, out->mutable_initiator());
  WriteEnd(event.responder, out->mutable_responder());
  if (raw.reason != dataplane::DropReason::kNone) {
    out->set_reason(dataplane::DropReasonName(raw.reason));
  }
  if (event.egress) WriteRule(*event.egress, allow, out->mutable_egress());
  if (event.ingress) WriteRule(*event.ingress, allow, out->mutable_ingress());
  out->set_packets(raw.packets);
  if (raw.kind == EventKind::kClosed) {
    out->set_bytes(raw.bytes);
    out->set_duration_seconds(raw.duration_ms / 1000.0);
  }
  out->set_state(raw.state);
  out->set_name(raw.name.data());
  out->set_epoch(raw.epoch);
}

bool WriteBatch(const Monitor::Subscription::Batch& batch,
                grpc::ServerWriter<v1::MonitorResponse>& writer) {
  v1::MonitorResponse response;
  response.set_lost(batch.lost);
  for (const auto& event : batch.events) {
    WriteEvent(*event, response.add_events());
    if (static_cast<size_t>(response.events_size()) < kEventsPerMessage) continue;
    if (!writer.Write(response)) return false;
    response.Clear();
  }
  return (response.events_size() == 0 && response.lost() == 0) || writer.Write(response);
}

double PerSecond(uint64_t now, uint64_t before, double seconds) {
  return static_cast<double>(now - before) / seconds;
}

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void WriteLoad(const WorkerCounters& now, const WorkerCounters& before, double seconds,
               v1::WorkerLoad* out) {
  const uint64_t loops = now.loops - before.loops;
  const uint64_t busy_loops = now.busy_loops - before.busy_loops;
  const uint64_t busy_cycles = now.busy_cycles - before.busy_cycles;
  out->set_busy(Ratio(busy_cycles, now.cycles - before.cycles));
  out->set_packets_per_second(PerSecond(now.packets, before.packets, seconds));
  out->set_classified_per_second(PerSecond(now.classified, before.classified, seconds));
  out->set_loops_per_second(static_cast<double>(loops) / seconds);
  out->set_empty_loops_per_second(static_cast<double>(loops - busy_loops) / seconds);
  out->set_sleeps_per_second(PerSecond(now.sleeps, before.sleeps, seconds));
  out->set_cycles_per_packet(Ratio(busy_cycles, now.packets - before.packets));
  const uint64_t sampled = now.sampled_packets - before.sampled_packets;
  out->set_sampled_packets(sampled);
  for (unsigned i = 0; sampled > 0 && i < dataplane::kStageCount; ++i) {
    v1::StageLoad* stage = out->add_stages();
    stage->set_stage(dataplane::StageName(static_cast<dataplane::Stage>(i)));
    stage->set_cycles_per_packet(Ratio(now.stage_cycles[i] - before.stage_cycles[i], sampled));
  }
}

std::vector<WorkerCounters> ReadAll(const dataplane::Switch& data_plane) {
  std::vector<WorkerCounters> all;
  for (unsigned worker = 0; worker < data_plane.worker_count(); ++worker) {
    all.push_back(data_plane.ReadWorkerCounters(worker));
  }
  return all;
}

// Keeps the stages timed while it lives.
class StageWatch {
 public:
  explicit StageWatch(dataplane::Switch& data_plane) : data_plane_(data_plane) {
    data_plane_.WatchStages(true);
  }
  ~StageWatch() { data_plane_.WatchStages(false); }
  StageWatch(const StageWatch&) = delete;
  StageWatch& operator=(const StageWatch&) = delete;

 private:
  dataplane::Switch& data_plane_;
};

// False: the caller has left.
bool WaitUntil(Clock::time_point when, const grpc::ServerContext& context) {
  while (Clock::now() < when) {
    if (context.IsCancelled()) return false;
    std::this_thread::sleep_until(std::min(when, Clock::now() + kPatience));
  }
  return !context.IsCancelled();
}

}  // namespace

grpc::Status StreamEvents(Monitor& monitor, grpc::ServerContext& context,
                          const v1::MonitorRequest& request,
                          grpc::ServerWriter<v1::MonitorResponse>& writer) {
  auto filter = FilterOf(request);
  if (!filter.ok()) return ToGrpcStatus(filter.status());
  auto subscription = monitor.Subscribe(*std::move(filter));
  if (!subscription.ok()) return ToGrpcStatus(subscription.status());
  if (!writer.Write({})) return grpc::Status::OK;
  while (!context.IsCancelled()) {
    if (!WriteBatch((*subscription)->Next(kPatience), writer)) break;
  }
  return grpc::Status::OK;
}

grpc::Status StreamLoad(dataplane::Switch& data_plane, const DaemonFacts& facts,
                        grpc::ServerContext& context, const v1::WatchLoadRequest& request,
                        grpc::ServerWriter<v1::LoadSample>& writer) {
  const double wanted = request.interval_seconds() == 0 ? 1 : request.interval_seconds();
  if (!(wanted >= kMinInterval && wanted <= kMaxInterval)) {
    return ToGrpcStatus(absl::InvalidArgumentError(fmt::format(
        "interval_seconds: {} is not between {} and {}", wanted, kMinInterval, kMaxInterval)));
  }
  const auto interval =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(wanted));
  const StageWatch watch(data_plane);
  auto before = ReadAll(data_plane);
  auto before_time = Clock::now();
  while (WaitUntil(before_time + interval, context)) {
    const auto now = ReadAll(data_plane);
    const auto now_time = Clock::now();
    const double seconds = std::chrono::duration<double>(now_time - before_time).count();
    v1::LoadSample sample;
    sample.set_seconds(seconds);
    for (unsigned worker = 0; worker < now.size(); ++worker) {
      v1::WorkerLoad* load = sample.add_workers();
      load->set_worker(worker);
      load->set_core(facts.worker_cores[worker]);
      WriteLoad(now[worker], before[worker], seconds, load);
    }
    if (!writer.Write(sample)) break;
    before = now;
    before_time = now_time;
  }
  return grpc::Status::OK;
}

}  // namespace sluice::control
