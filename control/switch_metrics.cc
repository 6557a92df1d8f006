#include "control/switch_metrics.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <span>
#include <utility>

#include "control/metric_family.h"
#include "control/version.h"

namespace sluice::control {
namespace {

using dataplane::PortCounters;
using dataplane::WorkerCounters;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Families = std::vector<MetricFamily>;
using Labels = std::vector<prometheus::ClientMetric::Label>;

// One value of a worker, or of a port.
template <typename Counters>
struct CounterRow {
  const char* name;
  const char* help;
  uint64_t Counters::*value;
};

constexpr CounterRow<WorkerCounters> kWorkerRows[] = {
    {"sluice_worker_turns_total", "Turns over the worker's ports", &WorkerCounters::loops},
    {"sluice_worker_busy_turns_total", "Turns that found a packet", &WorkerCounters::busy_loops},
    {"sluice_worker_sleeps_total", "Times that an idle worker slept", &WorkerCounters::sleeps},
    {"sluice_worker_packets_total", "Packets received", &WorkerCounters::packets},
    {"sluice_worker_classified_total", "Keys asked of the policy tries, up to two a packet",
     &WorkerCounters::classified},
    {"sluice_worker_cycles_total", "Cycles of the time-stamp counter spent polling",
     &WorkerCounters::cycles},
    {"sluice_worker_busy_cycles_total", "Of them, in turns that found a packet",
     &WorkerCounters::busy_cycles},
    {"sluice_connections_created_total", "Connections entered into the table",
     &WorkerCounters::connections_created},
    {"sluice_connections_removed_total", "Connections that are over, for whatever reason",
     &WorkerCounters::connections_removed},
    {"sluice_connections_evicted_total", "Of them, to make room for others",
     &WorkerCounters::connections_evicted},
};

// What waits in a worker's rings; the rest are as its counters.
constexpr CounterRow<WorkerCounters> kWorkerGauges[] = {
    {"sluice_worker_events_waiting", "Events in the worker's ring, of 4,096 that it holds",
     &WorkerCounters::events_waiting},
    {"sluice_worker_capture_bytes_waiting", "Bytes of captured packets in the worker's ring",
     &WorkerCounters::capture_bytes_waiting},
};

constexpr CounterRow<PortCounters> kPortRows[] = {
    {"sluice_port_receive_packets_total", "Packets that came in by the port",
     &PortCounters::rx_packets},
    {"sluice_port_receive_bytes_total", "Their bytes, from the Ethernet header on",
     &PortCounters::rx_bytes},
    {"sluice_port_transmit_packets_total", "Packets that left by the port",
     &PortCounters::tx_packets},
    {"sluice_port_transmit_bytes_total", "Their bytes, from the Ethernet header on",
     &PortCounters::tx_bytes},
    {"sluice_port_answers_total", "Rejected packets of the port whose sender was told",
     &PortCounters::answered},
};

struct Port {
  Labels labels;
  PortCounters counters;
  bool link_up = false, open = false;
  unsigned queues = 1;
};

void AddWorkers(const dataplane::Switch& data_plane,
                std::span<const CounterRow<WorkerCounters>> rows, MetricType type, Families& out) {
  for (const auto& row : rows) {
    MetricFamily& family = out.emplace_back(MetricFamily{row.name, row.help, type});
    for (unsigned worker = 0; worker < data_plane.worker_count(); ++worker) {
      const auto value = static_cast<double>(data_plane.ReadWorkerCounters(worker).*row.value);
      family.metric.push_back(MetricOf(family.type, value, {{"worker", fmt::to_string(worker)}}));
    }
  }
}

std::vector<Port> PortsOf(const View& view, const dataplane::Switch& data_plane) {
  std::vector<Port> ports;
  for (const auto& [name, spec] : view.state->ports().specs()) {
    const dataplane::PortId id = view.places.at(name).attached.id;
    Port port{.labels = {{"port", name}, {"network", spec.network}}};
    if (!spec.pod_name.empty()) {
      port.labels.push_back({"namespace", spec.pod_namespace});
      port.labels.push_back({"pod", spec.pod_name});
    }
    port.counters = data_plane.ReadPortCounters(id);
    port.queues = spec.queues;
    port.link_up = data_plane.PortLinkUp(id);
    port.open = view.snapshot->ports[id].subject != dataplane::SubjectState::kUnknown;
    ports.push_back(std::move(port));
  }
  return ports;
}

void AddDrops(const std::vector<Port>& ports, Families& out) {
  MetricFamily& family = out.emplace_back(
      MetricFamily{"sluice_port_drops_total",
                   "Packets that came in by the port and died, by reason", MetricType::Counter});
  for (const Port& port : ports) {
    for (size_t reason = 1; reason < dataplane::kDropReasonCount; ++reason) {
      if (port.counters.drops[reason] == 0) continue;
      Labels labels = port.labels;
      labels.push_back(
          {"reason", dataplane::DropReasonName(static_cast<dataplane::DropReason>(reason))});
      family.metric.push_back(MetricOf(
          family.type, static_cast<double>(port.counters.drops[reason]), std::move(labels)));
    }
  }
}

// Of ports that have several: the sums over all queues are the port's.
void AddQueues(const char* name, const char* help, const std::vector<Port>& ports,
               std::array<uint64_t, dataplane::kMaxQueues> PortCounters::*packets, Families& out) {
  MetricFamily& family = out.emplace_back(MetricFamily{name, help, MetricType::Counter});
  for (const Port& port : ports) {
    for (unsigned queue = 0; port.queues > 1 && queue < port.queues; ++queue) {
      Labels labels = port.labels;
      labels.push_back({"queue", fmt::to_string(queue)});
      const auto value = static_cast<double>((port.counters.*packets)[queue]);
      family.metric.push_back(MetricOf(family.type, value, std::move(labels)));
    }
  }
}

void AddPorts(const std::vector<Port>& ports, Families& out) {
  for (const auto& row : kPortRows) {
    MetricFamily& family = out.emplace_back(MetricFamily{row.name, row.help, MetricType::Counter});
    for (const Port& port : ports) {
      const auto value = static_cast<double>(port.counters.*row.value);
      family.metric.push_back(MetricOf(family.type, value, port.labels));
    }
  }
  AddQueues("sluice_port_queue_receive_packets_total", "Of a port with several queues, by queue",
            ports, &PortCounters::rx_queue_packets, out);
  AddQueues("sluice_port_queue_transmit_packets_total", "Of a port with several queues, by queue",
            ports, &PortCounters::tx_queue_packets, out);
  AddDrops(ports, out);
  MetricFamily link{"sluice_port_link_up", "1: a peer is connected", MetricType::Gauge};
  MetricFamily open{"sluice_port_open", "0: shut, since its pod is not known to the switch",
                    MetricType::Gauge};
  for (const Port& port : ports) {
    link.metric.push_back(MetricOf(link.type, port.link_up, port.labels));
    open.metric.push_back(MetricOf(open.type, port.open, port.labels));
  }
  out.push_back(std::move(link));
  out.push_back(std::move(open));
}

void AddPools(const dataplane::Switch& data_plane, Families& out) {
  MetricFamily size{"sluice_pool_buffers", "Buffers of a pool", MetricType::Gauge};
  MetricFamily in_use{"sluice_pool_buffers_in_use", "Of them, with packets", MetricType::Gauge};
  for (const dataplane::PoolLevel& pool : data_plane.pools()) {
    size.metric.push_back(MetricOf(size.type, pool.buffers, {{"pool", pool.name}}));
    in_use.metric.push_back(MetricOf(in_use.type, pool.in_use, {{"pool", pool.name}}));
  }
  out.push_back(std::move(size));
  out.push_back(std::move(in_use));
}

void AddGauges(const View& view, const dataplane::Switch& data_plane, Families& out) {
  const auto gauge = [&out](const char* name, const char* help, double value) {
    out.push_back(SingleMetric(name, help, MetricType::Gauge, value));
  };
  const auto size = [](size_t value) { return static_cast<double>(value); };
  gauge("sluice_epoch", "Of the snapshot in force", size(view.snapshot->epoch));
  gauge("sluice_enforcing", "0: mode observe, in which policy drops nothing",
        view.snapshot->mode == dataplane::Mode::kEnforce);
  gauge("sluice_ports", "Ports", size(view.state->ports().specs().size()));
  gauge("sluice_namespaces", "Namespaces known", size(view.state->namespaces().size()));
  gauge("sluice_endpoints", "Endpoints known", size(view.state->endpoints().size()));
  gauge("sluice_policies", "Policies of every kind", size(view.state->policy_count()));
  gauge("sluice_policy_warnings", "Things that policies say to no effect, or none to rely on",
        size(view.warnings.size()));
  gauge("sluice_compile_seconds", "The newest build, with its proof", view.last_compile_seconds);
  const std::chrono::duration<double> age = std::chrono::steady_clock::now() - view.published;
  gauge("sluice_policy_age_seconds", "Since every worker runs with what is in force", age.count());
  gauge("sluice_capture_running", "1: packets are being captured", data_plane.capture() != nullptr);
  out.push_back(SingleMetric("sluice_events_lost_total",
                             "Events of connections that a worker's ring had no room for",
                             MetricType::Counter, size(data_plane.LostEvents())));
  gauge("sluice_build_failing", "1: the newest build failed, and what was before stays in force",
        !view.last_error.empty());
  out.push_back(SingleMetric("sluice_failed_builds_total", "Builds that failed, or were not proven",
                             MetricType::Counter, size(view.failed_builds)));
  gauge("sluice_connections", "Connections in the table", data_plane.connection_count());
  gauge("sluice_packet_buffers", "Packet buffers of all ports together",
        data_plane.packet_buffers());
  gauge("sluice_packet_buffers_in_use", "Of them, with packets", data_plane.buffers_in_use());
}

}  // namespace

Families MetricsOf(const View& view, const dataplane::Switch& data_plane,
                   const DaemonFacts& facts) {
  Families families;
  families.push_back({"sluice_build_info",
                      "1",
                      MetricType::Gauge,
                      {MetricOf(MetricType::Gauge, 1, {{"version", kVersion}})}});
  const std::chrono::duration<double> up = std::chrono::steady_clock::now() - facts.started;
  families.push_back(
      SingleMetric("sluice_uptime_seconds", "Since the start", MetricType::Gauge, up.count()));
  AddGauges(view, data_plane, families);
  AddPools(data_plane, families);
  AddWorkers(data_plane, kWorkerRows, MetricType::Counter, families);
  AddWorkers(data_plane, kWorkerGauges, MetricType::Gauge, families);
  AddPorts(PortsOf(view, data_plane), families);
  return families;
}

std::vector<prometheus::MetricFamily> EventLogMetricsOf(const EventLog& log) {
  using enum prometheus::MetricType;
  return {SingleMetric("sluice_event_log_events_total", "Written to the event log", Counter,
                       static_cast<double>(log.written())),
          SingleMetric("sluice_event_log_suppressed_total", "Not written, for want of room",
                       Counter, static_cast<double>(log.suppressed()))};
}

}  // namespace sluice::control
